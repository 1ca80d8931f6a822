#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err.h"
#include "sha256.h"

static const uint32_t round_constants[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
	0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
	0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
	0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
	0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
	0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
	0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
	0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2
};

static uint32_t
rotate(uint32_t x, int bits)
{
	return x >> bits | x << (32 - bits);
}

/* One of the 64 rounds: new values go into *d and *h, which then change
 * places with their neighbours by the order of the arguments. */
static inline void
mix(uint32_t a, uint32_t b, uint32_t c, uint32_t *d, uint32_t e, uint32_t f,
    uint32_t g, uint32_t *h, uint32_t in)
{
	uint32_t t1 = *h + in +
	    (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) +
	    (g ^ (e & (f ^ g)));
	uint32_t t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) +
	    ((a & b) | (c & (a | b)));

	*d += t1;
	*h = t1 + t2;
}

static void
take_block(uint32_t state[8], const uint8_t block[64])
{
	const uint32_t *k = round_constants;
	uint32_t w[64];
	uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
	uint32_t e = state[4], f = state[5], g = state[6], h = state[7];

	for (int i = 0; i < 16; i++)
		w[i] = (uint32_t)block[4 * i] << 24 |
		    (uint32_t)block[4 * i + 1] << 16 |
		    (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
	for (int i = 16; i < 64; i++)
		w[i] = w[i - 16] + w[i - 7] +
		    (rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3) +
		    (rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10);
	for (int i = 0; i < 64; i += 8) {
		mix(a, b, c, &d, e, f, g, &h, k[i] + w[i]);
		mix(h, a, b, &c, d, e, f, &g, k[i + 1] + w[i + 1]);
		mix(g, h, a, &b, c, d, e, &f, k[i + 2] + w[i + 2]);
		mix(f, g, h, &a, b, c, d, &e, k[i + 3] + w[i + 3]);
		mix(e, f, g, &h, a, b, c, &d, k[i + 4] + w[i + 4]);
		mix(d, e, f, &g, h, a, b, &c, k[i + 5] + w[i + 5]);
		mix(c, d, e, &f, g, h, a, &b, k[i + 6] + w[i + 6]);
		mix(b, c, d, &e, f, g, h, &a, k[i + 7] + w[i + 7]);
	}
	state[0] += a, state[1] += b, state[2] += c, state[3] += d;
	state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

char *
rtta_sha256_hex(char hex[RTTA_SHA256_HEX_BYTES], const void *data, size_t bytes)
{
	uint32_t state[8] = {
		0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
		0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19
	};
	const uint8_t *at = data;
	uint8_t last[128] = {0};
	size_t rest = bytes % 64, padded = rest < 56 ? 64 : 128;

	for (size_t i = 0; i < bytes / 64; i++)
		take_block(state, at + 64 * i);
	if (rest > 0)
		memcpy(last, at + bytes - rest, rest);
	last[rest] = 0x80;
	for (int i = 0; i < 8; i++)
		last[padded - 1 - (size_t)i] =
		    (uint8_t)((uint64_t)bytes * 8 >> 8 * i);
	for (size_t i = 0; i < padded; i += 64)
		take_block(state, last + i);
	for (int i = 0; i < 8; i++)
		snprintf(hex + 8 * i, 9, "%08x", state[i]);
	return hex;
}

int
rtta_sha256_file(char hex[RTTA_SHA256_HEX_BYTES], const char *path,
    struct rtta_err *err)
{
	struct stat st;
	void *data = NULL;
	int fd, rc = -1;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return rtta_err_sys(err, EX_NOINPUT, "%s", path);
	if (fstat(fd, &st) < 0)
		goto out;
	if (st.st_size > 0)
		data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE,
		    fd, 0);
	if (data == MAP_FAILED)
		goto out;
	rtta_sha256_hex(hex, data, (size_t)st.st_size);
	if (data != NULL)
		munmap(data, (size_t)st.st_size);
	rc = 0;
out:
	if (rc < 0)
		rtta_err_sys(err, EX_NOINPUT, "%s", path);
	close(fd);
	return rc;
}
