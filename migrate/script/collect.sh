#!/bin/sh
# Saves what psp2pss reads of a cluster in a folder, with kubectl and nothing else. Written by @TOOL@.
#
#   sh collect.sh FOLDER [flags of kubectl, such as --context prod]
#   psp2pss plan -f FOLDER
#
# It only gets and lists, and asks for no Secret and no ConfigMap. Pods are saved as they are, with the environment of their
# containers: keep the folder as you would keep that. What may not be listed is said in the file of the list, and becomes a gap.
set -u
umask 077

if [ $# -eq 0 ] || [ -z "$1" ]; then
	echo "usage: sh collect.sh FOLDER [flags of kubectl]" >&2
	exit 2
fi
folder=$1
shift
case $folder in
-*)
	echo "the first argument is the folder to write, and not a flag: $folder" >&2
	exit 2
	;;
esac
if ! mkdir "$folder"; then
	echo "the folder must not be there yet: name another one" >&2
	exit 1
fi
failed=0

# run calls kubectl.
run() {
	@KUBECTL@ "$@"
}

# failure leaves an error in the file of a list: reading it gives a gap.
failure() {
	failed=$((failed + 1))
	{
		echo "Error from server or kubectl: $1 could not be listed"
		cat "$folder/error.txt"
	} >"$folder/$1.json"
	echo "$1: not listed" >&2
}

# list saves the list of a resource.
list() {
	resource=$1
	shift
	if [ "$resource" = namespaces ] && run get namespaces -o json --show-managed-fields "$@" >"$folder/list.tmp" 2>"$folder/error.txt" </dev/null; then
		mv "$folder/list.tmp" "$folder/namespaces.json"
		return
	fi
	if run get "$resource" --all-namespaces -o json "$@" >"$folder/list.tmp" 2>"$folder/error.txt" </dev/null; then
		mv "$folder/list.tmp" "$folder/$resource.json"
		return
	fi
	failure "$resource"
}

# What the server does not serve is no gap. That it does not say all that it serves is one.
all=yes
if ! run api-resources --verbs=list -o name "$@" >"$folder/resources.txt" 2>"$folder/error.txt" </dev/null; then
	all=no
	failure api-resources
fi
run version "$@" >"$folder/version.txt" 2>&1 </dev/null

while read -r resource; do
	if [ "$resource" = podsecuritypolicies.policy ] && [ "$all" = yes ] && ! grep -q -x -F "$resource" "$folder/resources.txt"; then
		continue
	fi
	list "$resource" "$@"
done <<'END'
@ALWAYS@
END

while read -r resource; do
	if grep -q -x -F "$resource" "$folder/resources.txt"; then
		list "$resource" "$@"
	fi
done <<'END'
@CUSTOM@
END

rm -f "$folder/list.tmp" "$folder/error.txt"
echo "saved in $folder; $failed lists failed"
[ "$failed" -eq 0 ] || exit 4
