using System;
using System.Diagnostics;
using System.IO;
using System.IO.Hashing;
using System.Net.Sockets;
using System.Text;
using System.Threading;
using Thomas.Data;
using Thomas.Tests.Data;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Formats;

public sealed class InputFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_regular_file_is_read_whole_and_through_links()
    {
        File.WriteAllBytes(_folder["a"], [1, 2, 3]);
        Assert.Equal([1, 2, 3], InputFile.ReadAll(_folder["a"], 3));
        Assert.Equal([1, 2], InputFile.ReadStart(_folder["a"], 2));
        File.CreateSymbolicLink(_folder["link"], _folder["a"]);
        File.CreateSymbolicLink(_folder["chain"], "link");
        Assert.Equal([1, 2, 3], InputFile.ReadAll(_folder["chain"], 3));
        File.WriteAllBytes(_folder["empty"], []);
        Assert.Empty(InputFile.ReadAll(_folder["empty"], 3));
        foreach (string name in new[] { "a", "chain", "empty" })
            Assert.Equal(XxHash128.HashToUInt128(InputFile.ReadAll(_folder[name], 3)), InputFile.Hash(_folder[name], 3));
        Assert.Empty(InputFile.ReadStart(_folder["empty"], 3));
        Assert.Contains("empty", Assert.Throws<IOException>(() => InputFile.Open(_folder["empty"])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_cannot_be_read_is_named_for_what_it_is()
    {
        Assert.Equal("there is no such file", Assert.Throws<FileNotFoundException>(() => InputFile.ReadAll(_folder["none"], 9)).Message);
        Assert.Equal("it is a folder, not a file", Assert.Throws<IOException>(() => InputFile.ReadAll(_folder.Path, 9)).Message);
        File.CreateSymbolicLink(_folder["dangling"], "nowhere");
        Assert.Contains("nowhere", Assert.Throws<IOException>(() => InputFile.ReadAll(_folder["dangling"], 9)).Message, StringComparison.Ordinal);
        File.CreateSymbolicLink(_folder["loop"], "loop");
        Assert.ThrowsAny<IOException>(() => InputFile.ReadAll(_folder["loop"], 9));
        File.WriteAllBytes(_folder["long"], new byte[2049]);
        Assert.Contains("longer than 2KiB", Assert.Throws<IOException>(() => InputFile.ReadAll(_folder["long"], 2048)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Cancellation_ends_the_reading()
    {
        File.WriteAllBytes(_folder["a"], new byte[100]);
        Assert.Throws<OperationCanceledException>(() => InputFile.ReadAll(_folder["a"], 100, new CancellationToken(canceled: true)));
        Assert.Throws<OperationCanceledException>(() => Model.Load(_folder["a"], new CancellationToken(canceled: true)));
    }

    [Fact]
    public void A_stream_without_end_is_refused()
    {
        using EndlessStream endless = new();
        ThomasException error = Assert.Throws<ThomasException>(() => Model.Load(endless, "endless"));
        Assert.Contains("longer than 2GiB", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Text_must_be_utf8()
    {
        File.WriteAllText(_folder["bom"], "a,b", new UTF8Encoding(encoderShouldEmitUTF8Identifier: true));
        Assert.Equal("a,b", InputFile.ReadText(_folder["bom"], 100));
        File.WriteAllBytes(_folder["latin"], [0xE4]);
        Assert.Contains("not UTF-8 text", Assert.Throws<IOException>(() => InputFile.ReadText(_folder["latin"], 100)).Message, StringComparison.Ordinal);
        File.WriteAllText(_folder["page"], " <!DOCTYPE html><html><body>404</body></html>");
        Assert.Contains("an HTML page", Assert.Throws<IOException>(() => InputFile.ReadText(_folder["page"], 100)).Message, StringComparison.Ordinal);
        File.WriteAllBytes(_folder["zip"], [.. "PK\x03\x04"u8, 0xFF, 0xFF]);
        Assert.Contains(
            "a zip archive, not a text file; unpack it", Assert.Throws<IOException>(() => InputFile.ReadText(_folder["zip"], 100)).Message,
            StringComparison.Ordinal);
    }

    /// <summary>Opening a pipe would wait for ever, so each reader must refuse it before.</summary>
    [Fact]
    public void Every_reader_refuses_what_is_not_a_regular_file_at_once()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() || OperatingSystem.IsMacOS(), "needs mkfifo");
        string pipe = MakePipe(_folder["pipe.csv"]), socketPath = _folder["s.sock"];
        using Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(socketPath));
        File.CreateSymbolicLink(_folder["link"], pipe);
        foreach ((string path, string what) in new[] { (pipe, "named pipe"), (_folder["link"], "named pipe"), ("/dev/zero", "a device"),
            (socketPath, "a socket") })
        {
            string[] messages =
            [
                Assert.ThrowsAny<ThomasException>(() => Model.Load(path)).Message,
                Assert.ThrowsAny<ThomasException>(() => WeightFile.Load(path)).Message,
                Assert.Throws<DataException>(() => CsvManifest.Load(path)).Message,
                Assert.Throws<DataException>(() => DatasetLoader.Load(path)).Message,
                Assert.Throws<DataException>(() => IdxFile.Read(path, 3)).Message,
                Assert.Throws<DataException>(() => NameFile.Read(path)).Message,
                Assert.Throws<DataException>(() => ImageSource.FromFile(path).Read()).Message,
                Assert.Throws<ThomasException>(() => Checkpoint.Open(path)).Message,
                Assert.Throws<ThomasException>(() => Trainer.IsCheckpoint(path)).Message,
            ];
            Assert.All(messages, message => Assert.Contains(what, message, StringComparison.Ordinal));
        }
    }

    /// <summary>Files of /proc say that they are empty; some of them wait for what comes.</summary>
    [Fact]
    public void Files_that_claim_no_length_are_not_opened()
    {
        Assert.SkipUnless(File.Exists("/proc/kmsg"), "needs /proc/kmsg");
        Assert.Empty(InputFile.ReadAll("/proc/kmsg", 100));
        Assert.Throws<IOException>(() => InputFile.Open("/proc/kmsg"));
    }

    internal static string MakePipe(string path)
    {
        using Process make = Process.Start("mkfifo", [path]);
        make.WaitForExit();
        Assert.Equal(0, make.ExitCode);
        return path;
    }

    private sealed class EndlessStream : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => true;

        public override bool CanWrite => false;

        public override long Length => long.MaxValue;

        public override long Position { get; set; }

        public override int Read(byte[] buffer, int offset, int count) => count;

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
