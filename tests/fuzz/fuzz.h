/*
 * What a fuzz target is: one function, called with any octets. It must neither
 * crash nor leak nor hang, and aborts itself (FUZZ_CHECK) when a promise of
 * the code under test is broken.
 */
#ifndef POSTIL_TESTS_FUZZ_FUZZ_H
#define POSTIL_TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define FUZZ_CHECK(promise) \
	do { \
		if (!(promise)) { \
			fprintf(stderr, "%s:%d: broken promise: %s\n", __FILE__, __LINE__, #promise); \
			abort(); \
		} \
	} while (0)

#endif
