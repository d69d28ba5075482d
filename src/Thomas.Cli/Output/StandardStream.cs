using System;
using System.IO;
using System.Text;

namespace Thomas.Cli.Output;

/// <summary>
/// Standard output or error whose reader may go away: a disk that is full, a closed terminal, a pipe that nobody reads. What cannot be written is lost, and the
/// work goes on: hours of training are worth more than a line about them.
/// </summary>
/// <param name="inner">The stream's writer.</param>
/// <param name="endsWithFailure">Whether nothing more is written after the first failure, so that a result has no holes.</param>
internal sealed class StandardStream(TextWriter inner, bool endsWithFailure) : TextWriter
{
    /// <summary>Why the first piece that was lost could not be written; null if nothing was lost.</summary>
    public Exception? Failure { get; private set; }

    public override Encoding Encoding => inner.Encoding;

    public override void Write(char value) => Try(static (writer, c) => writer.Write(c), value);

    public override void Write(char[] buffer, int index, int count) =>
        Try(static (writer, piece) => writer.Write(piece.buffer, piece.index, piece.count), (buffer, index, count));

    public override void Write(string? value) => Try(static (writer, text) => writer.Write(text), value);

    public override void WriteLine() => Try(static (writer, _) => writer.WriteLine(), 0);

    public override void WriteLine(string? value) => Try(static (writer, text) => writer.WriteLine(text), value);

    public override void Flush() => Try(static (writer, _) => writer.Flush(), 0);

    private void Try<T>(Action<TextWriter, T> write, T argument)
    {
        if (endsWithFailure && Failure is not null) return;
        try
        {
            write(inner, argument);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ObjectDisposedException or NotSupportedException)
        {
            Failure ??= e;
        }
    }
}
