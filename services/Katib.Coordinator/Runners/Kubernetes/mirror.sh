# Prints what is new in the files below a directory: katib-metrics OFFSET NAME DATA, the last two in base64.
# Ends, after a last look, when it is told to.
directory=$1 pattern=$2 known= end=
trap 'end=1' TERM INT

sizes() { # NAME: how much of it was printed
  while read -r size name; do
    [ "$name" = "$1" ] && echo "$size"
  done <<EOF
$known
EOF
}

look() {
  fresh=
  while IFS= read -r file; do
    [ -n "$file" ] || continue
    size=$(wc -c < "$file") || continue
    size=$((size)) from=$(sizes "$file") name=$(printf %s "$file" | base64 | tr -d '\n')
    from=${from:-0}
    if [ "$size" -lt "$from" ]; then
      echo "katib-metrics 0 $name "
      from=0
    fi
    # Lines are short: some nodes break longer ones up.
    while [ "$from" -lt "$size" ]; do
      part=$((size - from > 9000 ? 9000 : size - from))
      data=$(tail -c "+$((from + 1))" "$file" | head -c "$part" | base64 | tr -d '\n')
      echo "katib-metrics $from $name $data"
      from=$((from + part))
    done
    fresh="$fresh$from $file
"
  done <<EOF
$(find . -type f -name "$pattern")
EOF
  known=$fresh
}

cd "$directory" || exit 1
while [ -z "$end" ]; do
  look
  sleep 1 &
  wait $!
done
look
