#!/bin/sh
# Descends on x^2 and pushes the loss after every step.
set -eu
export LC_ALL=C # A decimal point, whatever the language of the machine.

x=1
for step in $(seq 10); do
  x=$(awk -v x="$x" -v rate="$STEP_LENGTH" 'BEGIN { print x - rate * 2 * x }')
  loss=$(awk -v x="$x" 'BEGIN { print x * x }')

  # Sent again where no answer comes: a step counts once.
  curl --fail --silent --show-error --retry 30 --retry-delay 1 --retry-connrefused --retry-all-errors \
    --header "Authorization: Bearer $KATIB_PUSH_TOKEN" --data "loss=$loss" --data "step=$step" "$KATIB_PUSH_URL" >/dev/null
done
