# What nats-server has acknowledged survives a power cut, with the
# configuration that rtta ships (nats-server.sh).
load helper

needs() {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	losetup -f >/dev/null 2>&1 || skip "needs a loop device"
}

@test "20 power cuts: no acknowledged frame is lost" {
	needs
	run timeout 300 "$BATS_TEST_DIRNAME/../bed/powercut" 20
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output = *"cuts 20, "*"lost 0"* ]]
}

@test "without what nats-server.sh prepares, a power cut loses frames: the test above can see it" {
	needs
	[[ $(nats-server --version) = *v2.9.* ]] || skip "from 2.10 on the configuration does it"
	run timeout 100 "$BATS_TEST_DIRNAME/../bed/powercut" --unsafe 1
	echo "$output"
	[ "$status" -eq 1 ]
	[[ $output = *"found 0, lost "* ]]
}

@test "2 power cuts under the whole appliance: what was acknowledged is text, the rest is accounted for" {
	needs
	run timeout 200 "$BATS_TEST_DIRNAME/../bed/powercut-session" 2
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output = *"cuts 2, "*"wrong 0"* ]]
}
