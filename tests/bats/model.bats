# A short form of make model.

load helper

@test "invariants 1 to 5: the models hold, and those broken on purpose do not" {
	run -0 "$BATS_TEST_DIRNAME/../model/run" short
	[ "$(grep -c 'errors: 0' <<<"$output")" = 2 ]
	[ "$(grep -c 'broken on purpose, assertion violated' <<<"$output")" = 3 ]
}
