# Starts a program of .venv for a git hook, which finds no other one: sh scripts/hook.sh PROGRAM ...
# With --optional before it, a program that has no build for this platform checks nothing.
# shellcheck shell=sh
optional=
if [ "$1" = --optional ]; then
    optional=yes
    shift
fi
program=$1
shift
for path in ".venv/bin/$program" ".venv/Scripts/$program.exe" ".venv/$program.exe"; do
    if [ -x "$path" ]; then
        exec "$path" "$@"
    fi
done
if [ -d .venv ] && [ -n "$optional" ]; then
    echo "note: there is no $program for this platform, so nothing was checked."
    exit 0
fi
echo "error: there is no $program in .venv; run \`make install\`." >&2
exit 1
