ask() {
	exec 5<>"/dev/tcp/127.0.0.1/$1"
	printf "$2" | cat >&5 2>/dev/null || true
	timeout 20 cat <&5 2>/dev/null
	exec 5>&-
}
