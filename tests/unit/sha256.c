/* sha256: the examples of FIPS 180-4, and each length around a block. */
#include "check.h"
#include "sha256.h"

int
main(void)
{
	static const struct {
		const char *text, *hex;
	} table[] = {
		{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
	};
	static char a[1000000];
	char hex[RTTA_SHA256_HEX_BYTES];

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		CHECK_STR(rtta_sha256_hex(hex, table[i].text,
		    strlen(table[i].text)), table[i].hex);
	memset(a, 'a', sizeof(a));
	CHECK_STR(rtta_sha256_hex(hex, a, sizeof(a)),
	    "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	CHECK_STR(rtta_sha256_hex(hex, a, 55),
	    "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318");
	CHECK_STR(rtta_sha256_hex(hex, a, 56),
	    "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a");
	CHECK_STR(rtta_sha256_hex(hex, a, 64),
	    "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb");
	return check_result();
}
