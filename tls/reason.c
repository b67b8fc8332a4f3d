/*
 * Why libssl failed, in words for an administrator. The texts complete "TLS/SSL connection
 * ... failed with"; those of a Domino server are used where it has them.
 */
#include <openssl/err.h>
#include <openssl/sslerr.h>

#include "tls/private.h"

static const struct {
	int reason;             /* of libssl */
	const char *text;
} reasons[] = {
	{ SSL_R_UNSUPPORTED_PROTOCOL, "a protocol version below TLS 1.2" },
	{ SSL_R_VERSION_TOO_LOW, "a protocol version below TLS 1.2" },
	{ SSL_R_WRONG_VERSION_NUMBER, "rejected unknown record type" },
	{ SSL_R_WRONG_SSL_VERSION, "rejected unknown record type" },
	{ SSL_R_NO_SHARED_CIPHER, "no supported ciphers" },
	{ SSL_R_NO_SUITABLE_GROUPS, "no supported key exchange" },
	{ SSL_R_NO_SUITABLE_KEY_SHARE, "no supported key exchange" },
	{ SSL_R_NO_SHARED_GROUPS, "no supported key exchange" },
	{ SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS, "no supported signature algorithm" },
	{ SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, "no supported signature algorithm" },
	{ SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, "no client certificate, which this port requires" },
	{ SSL_R_EXCESSIVE_MESSAGE_SIZE, "a message that is too long (a certificate chain, perhaps)" },
	{ SSL_R_BAD_SIGNATURE, "a client that does not have the key of its certificate" },
	{ SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, "a record that was tampered with" },
	{ SSL_R_UNEXPECTED_MESSAGE, "a message out of turn" },
	{ SSL_R_UNEXPECTED_RECORD, "a message out of turn" },
	{ SSL_R_TLSV1_ALERT_UNKNOWN_CA, "the client does not trust our certificate" },
	{ SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN, "the client does not trust our certificate" },
	{ SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, "the client does not trust our certificate" },
	{ SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, "the client says that our certificate has expired" },
	{ SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE, "the client refused the handshake" },
	{ SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, "the client refused the protocol version" },
	{ SSL_R_UNEXPECTED_EOF_WHILE_READING, "a handshake that the client broke off" },
	{ SSL_R_CERT_LENGTH_MISMATCH, "a malformed certificate message" },
	{ SSL_R_LENGTH_MISMATCH, "a malformed message" },
	{ SSL_R_BAD_EXTENSION, "a malformed message" },
	{ SSL_R_BAD_LENGTH, "a malformed message" },
};

const char *tls_reason(void)
{
	unsigned long error = ERR_peek_last_error();
	const char *text = NULL;

	if (ERR_GET_LIB(error) == ERR_LIB_SSL) {
		for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]) && text == NULL; i++)
			if (reasons[i].reason == ERR_GET_REASON(error))
				text = reasons[i].text;
	} else if (ERR_GET_LIB(error) == ERR_LIB_ASN1 || ERR_GET_LIB(error) == ERR_LIB_X509) {
		text = "a malformed certificate";
	}
	if (text == NULL)
		text = ERR_reason_error_string(error);
	ERR_clear_error();
	return text != NULL ? text : "an error of the handshake";
}
