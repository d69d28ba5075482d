using System;

namespace Thomas.Imaging.Jpeg;

/// <summary>The samples of a component: the last three rows of units, from which the rows of the image are interpolated.</summary>
internal sealed class JpegPlane
{
    private const int BlockSide = 8, Units = 3;

    private readonly int _side;
    private readonly int _stride;
    private readonly int _unitRows;
    private readonly int _width;
    private readonly int _height;
    private readonly int _scaleX;
    private readonly int _scaleY;
    private readonly bool _isSmooth;
    private readonly byte[] _samples;
    private readonly byte[] _line;
    private readonly int[] _sums;

    /// <param name="file">The image.</param>
    /// <param name="component">The component.</param>
    /// <param name="imageSide">Side of a block in the image as it is wanted.</param>
    /// <param name="side">Side of a block of this component.</param>
    /// <param name="imageWidth">Width of the image as it is wanted.</param>
    public JpegPlane(JpegFile file, JpegComponent component, int imageSide, int side, int imageWidth)
    {
        (Component, _side) = (component, side);
        _stride = component.PaddedX * side;
        _unitRows = component.Vertical * side;
        _width = JpegComponent.DivideUp(file.Width * component.Horizontal * side, file.MostHorizontal * BlockSide);
        _height = JpegComponent.DivideUp(file.Height * component.Vertical * side, file.MostVertical * BlockSide);
        _scaleX = file.MostHorizontal * imageSide / (component.Horizontal * side);
        _scaleY = file.MostVertical * imageSide / (component.Vertical * side);

        // Interpolated where libjpeg does it: a sample between two counts the nearer one three times.
        _isSmooth = imageSide > 1 && (_scaleX, _scaleY) switch { (2, 1) or (2, 2) => _width > 2, (1, 2) => true, _ => false };
        _samples = new byte[_stride * _unitRows * Units];
        _line = new byte[Math.Max(imageWidth, _width * _scaleX)];
        _sums = _isSmooth && _scaleX == 2 ? new int[_width] : [];
    }

    public JpegComponent Component { get; }

    /// <summary>Bytes that a plane holds, about.</summary>
    public static long Bytes(JpegComponent component, int side) =>
        ((long)component.PaddedX * side * component.Vertical * side * Units) + ((long)component.PaddedX * side * sizeof(int));

    /// <summary>Takes a block.</summary>
    public void Set(ReadOnlySpan<short> block, int x, int y)
    {
        int row = y * _side % (_unitRows * Units);
        InverseDct.Run(block, Component.Quantization, _side, _samples.AsSpan((row * _stride) + (x * _side)), _stride);
    }

    /// <summary>A row of the image; valid until the next one.</summary>
    public byte[] Line(int y)
    {
        int row = y / _scaleY;
        ReadOnlySpan<byte> near = Row(row);
        if (!_isSmooth)
        {
            Repeat(near);
            return _line;
        }

        ReadOnlySpan<byte> far = _scaleY == 1 ? near : Row(y % 2 == 0 ? row - 1 : row + 1);
        if (_scaleX == 1) SmoothDown(near, far, 1 + (y % 2));
        else if (_scaleY == 1) SmoothAcross(near);
        else SmoothBoth(near, far);
        return _line;
    }

    private ReadOnlySpan<byte> Row(int row) => _samples.AsSpan(Math.Clamp(row, 0, _height - 1) % (_unitRows * Units) * _stride, _width);

    private void Repeat(ReadOnlySpan<byte> row)
    {
        if (_scaleX == 1)
        {
            row.CopyTo(_line);
            return;
        }

        for (int x = 0; x < row.Length; x++) _line.AsSpan(x * _scaleX, _scaleX).Fill(row[x]);
    }

    private void SmoothDown(ReadOnlySpan<byte> near, ReadOnlySpan<byte> far, int rounding)
    {
        for (int x = 0; x < near.Length; x++) _line[x] = (byte)(((near[x] * 3) + far[x] + rounding) >> 2);
    }

    // Rounded up and down in turn, so that the mean stays.
    private void SmoothAcross(ReadOnlySpan<byte> row)
    {
        int last = row.Length - 1;
        for (int x = 0; x < row.Length; x++)
        {
            _line[2 * x] = x == 0 ? row[0] : (byte)(((row[x] * 3) + row[x - 1] + 1) >> 2);
            _line[(2 * x) + 1] = x == last ? row[last] : (byte)(((row[x] * 3) + row[x + 1] + 2) >> 2);
        }
    }

    private void SmoothBoth(ReadOnlySpan<byte> near, ReadOnlySpan<byte> far)
    {
        int last = near.Length - 1;
        int[] sums = _sums;
        for (int x = 0; x < near.Length; x++) sums[x] = (near[x] * 3) + far[x];
        for (int x = 0; x < near.Length; x++)
        {
            _line[2 * x] = (byte)(((sums[x] * 3) + sums[Math.Max(x - 1, 0)] + 8) >> 4);
            _line[(2 * x) + 1] = (byte)(((sums[x] * 3) + sums[Math.Min(x + 1, last)] + 7) >> 4);
        }
    }
}
