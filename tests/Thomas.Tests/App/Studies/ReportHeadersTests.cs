using System;
using System.Diagnostics;
using System.IO;
using System.Linq;
using Thomas.App.Studies;
using Thomas.Runtime;
using Thomas.Study;
using Xunit;

namespace Thomas.Tests.App.Studies;

public sealed class ReportHeadersTests
{
    [Fact]
    public void The_head_is_that_of_this_machine()
    {
        ReportHeader header = ReportHeaders.Create("thomas tune", 7);
        Assert.Equal((7UL, "thomas tune", Machine.Tier, Environment.ProcessorCount), (header.Seed, header.Command, header.Tier, header.Processors));
        Assert.Matches(@"^thomas \d+\.\d+\.\d+$", header.Version);
        if (header.Commit is string commit) Assert.Matches("^[0-9a-f]{40}$", commit);
        Assert.Contains("JIT", header.Runtime, StringComparison.Ordinal);
        Assert.True(header.MemoryBytes > 64 << 20);
        Assert.True((DateTimeOffset.Now - header.Began).Duration() < TimeSpan.FromMinutes(1));
        Assert.False(header.IsComplete);
        Assert.All((string[])[header.Processor, header.Architecture, header.System], text => Assert.False(string.IsNullOrWhiteSpace(text)));
        Assert.Null(ReportHeaders.DeviceOf(new CompileOptions()));
        Assert.Equal(("cpu", "serial"), (ReportHeaders.NameOf(new CompileOptions()), ReportHeaders.NameOf(new CompileOptions { Device = DeviceKind.Serial })));
    }

    [Theory]
    [InlineData("plain-1_2./x:y,z@%+=", "plain-1_2./x:y,z@%+=")]
    [InlineData("", "''")]
    [InlineData("two words", "'two words'")]
    [InlineData("it's", "'it'\\''s'")]
    [InlineData("$HOME;`id`\\", "'$HOME;`id`\\'")]
    [InlineData("~", "'~'")]
    [InlineData("größe", "'größe'")]
    public void Arguments_are_quoted_for_a_shell(string arg, string quoted) => Assert.Equal(quoted, ReportHeaders.Quote(arg, isWindows: false));

    [Theory]
    [InlineData("two words", "\"two words\"")]
    [InlineData("", "\"\"")]
    [InlineData("say \"hi\"", "\"say \\\"hi\\\"\"")]
    [InlineData(@"C:\my photos\", "\"C:\\my photos\\\\\"")]
    [InlineData(@"\\server\a b", "\"\\\\server\\a b\"")]
    public void Arguments_are_quoted_for_Windows(string arg, string quoted) => Assert.Equal(quoted, ReportHeaders.Quote(arg, isWindows: true));

    [Fact]
    public void A_shell_reads_the_command_as_it_was_given()
    {
        Assert.SkipUnless(File.Exists("/bin/sh"), "there is no shell");
        string[] args = ["tune", "a b", "it's", "$HOME", "", "`x`\\", "line\nbreak", "*", "\"q\"", "größe"];
        string command = ReportHeaders.CommandLine(args);
        Assert.StartsWith("thomas tune ", command, StringComparison.Ordinal);
        ProcessStartInfo start = new("/bin/sh") { RedirectStandardOutput = true };
        foreach (string arg in (string[])["-c", $"printf '%s\\0' {command["thomas ".Length..]}"]) start.ArgumentList.Add(arg);
        using Process shell = Process.Start(start)!;
        string[] read = shell.StandardOutput.ReadToEnd().Split('\0');
        shell.WaitForExit();
        Assert.Equal(args, read.SkipLast(1));
    }
}
