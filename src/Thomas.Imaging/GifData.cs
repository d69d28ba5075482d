using System;

namespace Thomas.Imaging;

/// <summary>
/// The pixels of a GIF's frame, unpacked as they are asked for: LZW with codes of 3 to 12 bits, the lowest bit first, in blocks of up to 255 bytes.
/// </summary>
internal sealed class GifData
{
    /// <summary>Bytes that unpacking holds.</summary>
    public const int Cost = 20 << 10;

    private const int MostCodes = 4096, MostBits = 12;

    private readonly ReadOnlyMemory<byte> _stored;
    private readonly ushort[] _before = new ushort[MostCodes];
    private readonly byte[] _last = new byte[MostCodes];
    private readonly byte[] _text = new byte[MostCodes + 1];
    private readonly int _clear;
    private readonly int _firstWidth;
    private int _textAt = MostCodes + 1;
    private int _at = 1;
    private int _block;
    private int _bits;
    private int _bitCount;
    private int _codes;
    private int _width;
    private int _previous = -1;

    /// <exception cref="ImageFormatException">The data is missing or begins wrongly.</exception>
    public GifData(ReadOnlyMemory<byte> stored)
    {
        _stored = stored;
        if (stored.IsEmpty) throw ImageFormat.CutOff();
        int bits = stored.Span[0];
        if (bits is < 1 or > 8) throw ImageFormat.Damaged();
        _clear = 1 << bits;
        _firstWidth = bits + 1;
        for (int i = 0; i < _clear; i++) _last[i] = (byte)i;
        Clear();
    }

    /// <summary>Reads the next pixels.</summary>
    /// <exception cref="ImageFormatException">There are fewer, or the data is damaged.</exception>
    public void Fill(Span<byte> target)
    {
        while (!target.IsEmpty)
        {
            if (_textAt == _text.Length) Next();
            int length = Math.Min(target.Length, _text.Length - _textAt);
            _text.AsSpan(_textAt, length).CopyTo(target);
            _textAt += length;
            target = target[length..];
        }
    }

    private void Clear() => (_codes, _width, _previous) = (_clear + 2, _firstWidth, -1);

    private void Next()
    {
        int code = Code();
        while (code == _clear)
        {
            Clear();
            code = Code();
        }

        if (code == _clear + 1) throw ImageFormat.CutOff();
        if (code > _codes || (code == _codes && _previous < 0)) throw ImageFormat.Damaged();

        // The code that comes into being here: the text before, and its first pixel once more.
        bool isNew = code == _codes;
        int at = _text.Length;
        if (isNew) at--;
        for (int link = isNew ? _previous : code; ; link = _before[link])
        {
            _text[--at] = _last[link];
            if (link < _clear) break;
        }

        if (isNew) _text[^1] = _text[at];
        if (_previous >= 0 && _codes < MostCodes)
        {
            (_before[_codes], _last[_codes]) = ((ushort)_previous, _text[at]);
            _codes++;
            if (_codes == 1 << _width && _width < MostBits) _width++;
        }

        (_textAt, _previous) = (at, code);
    }

    private int Code()
    {
        ReadOnlySpan<byte> bytes = _stored.Span;
        while (_bitCount < _width)
        {
            if (_at >= bytes.Length) throw ImageFormat.CutOff();
            if (_block == 0)
            {
                _block = bytes[_at++];
                if (_block == 0) throw ImageFormat.CutOff();
                continue;
            }

            _bits |= bytes[_at++] << _bitCount;
            (_bitCount, _block) = (_bitCount + 8, _block - 1);
        }

        int code = _bits & ((1 << _width) - 1);
        (_bits, _bitCount) = (_bits >> _width, _bitCount - _width);
        return code;
    }
}
