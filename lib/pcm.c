#include <math.h>
#include <string.h>

#include "pcm.h"

size_t
rtta_pcm_bytes(enum rtta_pcm pcm)
{
	switch (pcm) {
	case RTTA_PCM_U8:
	case RTTA_PCM_ALAW:
	case RTTA_PCM_MULAW: return 1;
	case RTTA_PCM_S16: return 2;
	case RTTA_PCM_S24: return 3;
	case RTTA_PCM_S32:
	case RTTA_PCM_F32: return 4;
	case RTTA_PCM_F64: break;
	}
	return 8;
}

/* Little-endian, as is every machine that this is built for. */
static int32_t
get32(const uint8_t *bytes)
{
	int32_t value;

	memcpy(&value, bytes, sizeof(value));
	return value;
}

static int16_t
from_int32(int32_t value)
{
	int64_t rounded = ((int64_t)value + 0x8000) >> 16;

	return rounded > INT16_MAX ? INT16_MAX : (int16_t)rounded;
}

static int16_t
from_int24(const uint8_t *bytes)
{
	return from_int32((int32_t)((uint32_t)bytes[0] << 8 |
	    (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 24));
}

static int16_t
from_double(double value)
{
	value *= 32768;
	if (!(value > INT16_MIN))  /* also what is not a number */
		return isnan(value) ? 0 : INT16_MIN;
	return value >= INT16_MAX ? INT16_MAX : (int16_t)lrint(value);
}

static int16_t
from_float(const uint8_t *bytes)
{
	float value;

	memcpy(&value, bytes, sizeof(value));
	return from_double((double)value);
}

static int16_t
from_long_float(const uint8_t *bytes)
{
	double value;

	memcpy(&value, bytes, sizeof(value));
	return from_double(value);
}

/* G.711: sign, three bits of exponent, four of mantissa, all of mu-law's and
 * every second one of A-law's turned over. */
static int16_t
from_mulaw(uint8_t byte)
{
	int bits = ~byte & 0xff;
	int value = (((bits & 0x0f) << 3) + 0x84) << (bits >> 4 & 7);

	return (int16_t)(bits & 0x80 ? 0x84 - value : value - 0x84);
}

static int16_t
from_alaw(uint8_t byte)
{
	int bits = byte ^ 0x55, exponent = bits >> 4 & 7;
	int value = ((bits & 0x0f) << 4) + (exponent > 0 ? 0x108 : 8);

	if (exponent > 1)
		value <<= exponent - 1;
	return (int16_t)(bits & 0x80 ? value : -value);
}

int16_t
rtta_pcm_value(enum rtta_pcm pcm, const uint8_t *bytes)
{
	switch (pcm) {
	case RTTA_PCM_U8: return (int16_t)((*bytes - 128) * 256);
	case RTTA_PCM_S16: return (int16_t)(bytes[0] | bytes[1] << 8);
	case RTTA_PCM_S24: return from_int24(bytes);
	case RTTA_PCM_S32: return from_int32(get32(bytes));
	case RTTA_PCM_F32: return from_float(bytes);
	case RTTA_PCM_F64: return from_long_float(bytes);
	case RTTA_PCM_ALAW: return from_alaw(*bytes);
	case RTTA_PCM_MULAW: break;
	}
	return from_mulaw(*bytes);
}
