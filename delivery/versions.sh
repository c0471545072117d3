# The versions that requirements.txt pins: the engine and the AWS plugin are those of their Python packages.
engine_version=$(sed -n 's/^pulumi==\([0-9.]*\).*/\1/p' requirements.txt)
plugin_version=$(sed -n 's/^pulumi-aws==\([0-9.]*\).*/\1/p' requirements.txt)
case $(uname -m) in
x86_64) engine_processor=x64 plugin_processor=amd64 ;;
aarch64 | arm64) engine_processor=arm64 plugin_processor=arm64 ;;
*) echo "there is no Pulumi for the processor $(uname -m)" >&2; exit 2 ;;
esac
engine_archive=sdk/pulumi-v$engine_version-linux-$engine_processor.tar.gz
plugin_archive=plugins/pulumi-resource-aws-v$plugin_version-linux-$plugin_processor.tar.gz
