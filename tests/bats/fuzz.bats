# A short form of make fuzz.

load helper

@test "invariant 7: no bytes from outside crash a parser, or make it leak" {
	cd "$BATS_TEST_DIRNAME/../.."
	run -0 tests/fuzz/run 30000
	[ ${#lines[@]} = "$(ls tests/fuzz/*.c | wc -l)" ]
}
