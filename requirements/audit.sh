#!/bin/sh
# Known vulnerabilities of what requirements/cpu.txt pins. Where the advisories cannot be had, as
# without a network, it says so and passes. UV is the uv to run pip-audit by.
said=$("$UV" tool run --quiet pip-audit@2.10.1 --requirement requirements/cpu.txt --no-deps \
  --disable-pip --progress-spinner off 2>&1)
case "$said" in
  *"known vulnerabilit"*" in "*" package"*) echo "$said"; exit 1 ;;
  *"could not be audited"*) echo "audit: no advisories were to be had of some packages" ;;
  *"No known vulnerabilities found"*) echo "audit: no known vulnerabilities" ;;
  *) echo "audit: no advisories were to be had" ;;
esac
