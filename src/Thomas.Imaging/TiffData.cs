using System;
using System.IO;
using System.IO.Compression;
using System.Runtime.InteropServices;

namespace Thomas.Imaging;

/// <summary>The bytes of a strip or tile of a TIFF file, decompressed as they are asked for.</summary>
internal abstract class TiffData : IDisposable
{
    /// <summary>Bytes that reading one strip or tile holds, at most.</summary>
    public const int Cost = 80 << 10;

    /// <summary>Opens a strip or tile; null if its compression is not known.</summary>
    public static TiffData? Open(ReadOnlyMemory<byte> stored, uint compression) => compression switch
    {
        1 => new Plain(stored),
        5 => new Lzw(stored),
        8 or 32946 => new Deflated(stored),
        32773 => new PackBits(stored),
        _ => null,
    };

    /// <summary>Reads the next bytes.</summary>
    /// <exception cref="ImageFormatException">There are fewer, or the data is damaged.</exception>
    public void Fill(Span<byte> target)
    {
        while (!target.IsEmpty)
        {
            int read = Read(target);
            if (read == 0) throw TiffTags.CutOff();
            target = target[read..];
        }
    }

    public virtual void Dispose()
    {
        // Most hold nothing.
    }

    /// <summary>Reads at least one byte; 0 at the end.</summary>
    protected abstract int Read(Span<byte> target);

    private static ImageFormatException Damaged() => new(ImageFormat.DescribeFailure(SkiaSharp.SKCodecResult.ErrorInInput));

    private sealed class Plain(ReadOnlyMemory<byte> stored) : TiffData
    {
        private int _at;

        protected override int Read(Span<byte> target)
        {
            int length = Math.Min(target.Length, stored.Length - _at);
            stored.Span.Slice(_at, length).CopyTo(target);
            _at += length;
            return length;
        }
    }

    private sealed class Deflated : TiffData
    {
        private readonly ZLibStream _stream;

        public Deflated(ReadOnlyMemory<byte> stored)
        {
            // Not a copy where it can be avoided: strips of a hostile file may all claim to be as long as the file.
            MemoryStream source = MemoryMarshal.TryGetArray(stored, out ArraySegment<byte> array)
                ? new MemoryStream(array.Array!, array.Offset, array.Count, writable: false)
                : new MemoryStream(stored.ToArray(), writable: false);
            _stream = new ZLibStream(source, CompressionMode.Decompress);
        }

        public override void Dispose()
        {
            base.Dispose();
            _stream.Dispose();
        }

        protected override int Read(Span<byte> target)
        {
            try
            {
                return _stream.Read(target);
            }
            catch (InvalidDataException)
            {
                throw Damaged();
            }
        }
    }

    // A byte n below 128 comes before n + 1 bytes as they are, one above before a byte that stands there 257 - n times; 128 means nothing.
    private sealed class PackBits(ReadOnlyMemory<byte> stored) : TiffData
    {
        private int _at;
        private int _left;
        private bool _isRun;

        protected override int Read(Span<byte> target)
        {
            ReadOnlySpan<byte> bytes = stored.Span;
            while (_left == 0)
            {
                if (_at >= bytes.Length) return 0;
                int control = bytes[_at++];
                (_isRun, _left) = (control > 128, control > 128 ? 257 - control : control == 128 ? 0 : control + 1);
            }

            int length = Math.Min(_left, target.Length);
            if (!_isRun) length = Math.Min(length, bytes.Length - _at);
            if (_at >= bytes.Length) return 0;
            if (_isRun) target[..length].Fill(bytes[_at]);
            else bytes.Slice(_at, length).CopyTo(target);
            _left -= length;
            if (!_isRun) _at += length;
            else if (_left == 0) _at++;
            return length;
        }
    }

    // Codes of 9 to 12 bits, the highest bit first, which grow one code early (TIFF 6.0, section 13).
    private sealed class Lzw(ReadOnlyMemory<byte> stored) : TiffData
    {
        private const int Clear = 256, End = 257, MostCodes = 4096;

        private readonly ushort[] _before = new ushort[MostCodes];
        private readonly byte[] _last = new byte[MostCodes];
        private readonly byte[] _text = new byte[MostCodes + 1];
        private int _textAt = MostCodes + 1;
        private int _at;
        private int _bits;
        private int _bitCount;
        private int _codes = End + 1;
        private int _width = 9;
        private int _previous = -1;

        protected override int Read(Span<byte> target)
        {
            if (_textAt == _text.Length && !Next()) return 0;
            int length = Math.Min(target.Length, _text.Length - _textAt);
            _text.AsSpan(_textAt, length).CopyTo(target);
            _textAt += length;
            return length;
        }

        /// <summary>Unpacks the next code to the end of the text; false at the end.</summary>
        private bool Next()
        {
            int code = Code();
            while (code == Clear)
            {
                (_codes, _width, _previous) = (End + 1, 9, -1);
                code = Code();
            }

            if (code is End or < 0) return false;
            if (code > _codes || (code == _codes && _previous < 0) || (code > End && _previous < 0)) throw Damaged();

            // The code that is about to be made is the previous text with its own first byte behind it.
            int walked = code == _codes ? _previous : code;
            _textAt = code == _codes ? _text.Length - 1 : _text.Length;
            while (walked > End)
            {
                _text[--_textAt] = _last[walked];
                walked = _before[walked];
            }

            _text[--_textAt] = (byte)walked;
            if (code == _codes) _text[^1] = (byte)walked;
            if (_previous >= 0 && _codes < MostCodes)
            {
                (_before[_codes], _last[_codes]) = ((ushort)_previous, (byte)walked);
                _codes++;
                if (_codes + 1 >= 1 << _width && _width < 12) _width++;
            }

            _previous = code;
            return true;
        }

        private int Code()
        {
            ReadOnlySpan<byte> bytes = stored.Span;
            while (_bitCount < _width)
            {
                if (_at >= bytes.Length) return -1;
                _bits = ((_bits & 0xFFFF) << 8) | bytes[_at++];
                _bitCount += 8;
            }

            _bitCount -= _width;
            return (_bits >> _bitCount) & ((1 << _width) - 1);
        }
    }
}
