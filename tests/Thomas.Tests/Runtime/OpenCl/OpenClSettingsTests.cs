using System;
using Thomas.Kernels.OpenCl;
using Thomas.Runtime.OpenCl;
using Xunit;

namespace Thomas.Tests.Runtime.OpenCl;

public sealed class OpenClSettingsTests
{
    [Fact]
    public void Words_are_read()
    {
        Assert.Equal(new OpenClSettings(), OpenClSettings.Parse(""));
        Assert.Equal(
            new OpenClSettings
            {
                LocalBytes = 16 << 10,
                WorkGroup = 64,
                ComputeUnits = 132,
                LargestBuffer = 64 << 20,
                Family = TileFamily.Registers,
                FastMath = true,
                Blocking = true,
                Profiling = true,
                KeepsBinaries = false,
                SelfTest = false,
                Upload = UploadTime.Ahead,
                Transfer = TransferWay.Map,
                LaunchMilliseconds = 0.5,
                Winograd = WinogradUse.Never,
                FusesMoments = false,
                FusesBlocks = true,
            },
            OpenClSettings.Parse(
                "  local=16KiB group=64\tunits=132 buffer=64MiB tiles=Registers fast-math blocking profiling no-binaries no-self-test upload=ahead "
                + "transfer=MAP launch=0.5 winograd=off moments=apart blocks=fused "));
        Assert.Null(new OpenClSettings().LaunchMilliseconds);
        Assert.Equal(0, OpenClSettings.Parse("launch=0").LaunchMilliseconds);
        Assert.Equal(8, OpenClSettings.Parse("group=64 group=8").WorkGroup);
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("group")]
    [InlineData("group=0")]
    [InlineData("group=-1")]
    [InlineData("group=1.5")]
    [InlineData("units=0")]
    [InlineData("local=")]
    [InlineData("buffer=0")]
    [InlineData("buffer=much")]
    [InlineData("launch=")]
    [InlineData("launch=-1")]
    [InlineData("launch=NaN")]
    [InlineData("launch=Infinity")]
    [InlineData("tiles=1")]
    [InlineData("tiles=none")]
    [InlineData("upload=1")]
    [InlineData("upload=later")]
    [InlineData("transfer")]
    [InlineData("transfer=zero-copy")]
    [InlineData("moments")]
    [InlineData("blocks=joint")]
    [InlineData("fast-math=1")]
    [InlineData("no-binaries=no")]
    [InlineData("Blocking")]
    public void Other_words_are_refused_and_named(string word)
    {
        ThomasException e = Assert.Throws<ThomasException>(() => OpenClSettings.Parse($"profiling {word}"));
        Assert.StartsWith($"'{word}' is no setting of OpenCL. There are local=BYTES", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_word_cannot_steer_a_terminal() =>
        Assert.DoesNotContain('\u001b', Assert.Throws<ThomasException>(() => OpenClSettings.Parse("\u001b[2J")).Message);

    [Fact]
    public void Words_of_the_environment_come_before_those_of_the_run()
    {
        OpenClSettings settings = OpenClSettings.Of("group=64 local=16KiB", "group=128", "folder");
        Assert.Equal((128, 16L << 10, "folder"), (settings.WorkGroup, settings.LocalBytes, settings.BinaryFolder));
        Assert.Null(OpenClSettings.Of("no-binaries", "", "folder").BinaryFolder);
        Assert.Null(OpenClSettings.Of("", "no-binaries", "folder").BinaryFolder);
        Assert.StartsWith(
            "The environment variable THOMAS_OPENCL_SETTINGS: 'x' is no setting",
            Assert.Throws<ThomasException>(() => OpenClSettings.Of("x", "", null)).Message, StringComparison.Ordinal);
    }
}
