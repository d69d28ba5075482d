using System;

namespace Thomas.Imaging.Jpeg;

/// <summary>
/// Reads a JPEG (ITU-T T.81: baseline, extended and progressive, 8 bits) a row of blocks at a time, reduced to a half, a quarter or an eighth where that is
/// wanted. Pixels are those of libjpeg-turbo at full size. One in several scans is held as coefficients of two bytes until the last scan is read.
/// </summary>
internal sealed class JpegRows : IRowSource
{
    private const int BlockSide = 8, BlockLength = 64;

    // Far more than encoders write; each scan goes over the whole image, however short it is in the file.
    private const int MostScans = 256;

    private readonly JpegFile _file;
    private readonly JpegScan _scan;
    private readonly int _side;
    private readonly bool _isHeld;

    private JpegRows(JpegFile file, int side)
    {
        (_file, _side) = (file, side);
        _scan = new JpegScan(file);
        _isHeld = file.IsProgressive || file.Scanned.Length < file.Components.Length;
        Width = Reduced(file.Width, side);
        Height = Reduced(file.Height, side);
    }

    /// <summary>Width, reduced as was asked for.</summary>
    public int Width { get; }

    /// <summary>Height, reduced as was asked for.</summary>
    public int Height { get; }

    /// <inheritdoc/>
    public bool AnyOrder => false;

    /// <inheritdoc/>
    public long Cost
    {
        get
        {
            long bytes = (long)Width * (sizeof(uint) + _file.Components.Length);
            foreach (JpegComponent component in _file.Components)
            {
                bytes += JpegPlane.Bytes(component, SideOf(component));
                if (_isHeld) bytes += (long)component.PaddedX * component.PaddedY * BlockLength * sizeof(short);
            }

            return bytes;
        }
    }

    private int Units => JpegComponent.DivideUp(_file.Height, _file.MostVertical * BlockSide);

    /// <summary>The rows of an opened file.</summary>
    /// <param name="file">The file, at its first scan.</param>
    /// <param name="minimumShortSide">The shorter side that is wanted at least; 0 for full size.</param>
    public static JpegRows Open(JpegFile file, int minimumShortSide)
    {
        int side = BlockSide;
        while (side > 1 && minimumShortSide > 0 && Reduced(Math.Min(file.Width, file.Height), side / 2) >= minimumShortSide) side /= 2;
        return new JpegRows(file, side);
    }

    /// <inheritdoc/>
    public void Read(PixelSink sink)
    {
        if (_isHeld) ReadScans();
        JpegPlane[] planes = new JpegPlane[_file.Components.Length];
        for (int i = 0; i < planes.Length; i++) planes[i] = new JpegPlane(_file, _file.Components[i], _side, SideOf(_file.Components[i]), Width);
        byte[][] lines = new byte[planes.Length][];
        uint[] pixels = new uint[Width];
        JpegColors colors = JpegColors.Of(_file);
        if (!_isHeld) _scan.Begin();
        int units = Units, rows = _file.MostVertical * _side;
        short[] block = new short[BlockLength];
        for (int unit = 0; unit <= units; unit++)
        {
            if (unit < units)
            {
                if (_isHeld) Transform(planes, unit);
                else ReadUnits(planes, unit, block);
            }

            // Rows are interpolated from those above and below, so a unit is done when the one below it is.
            if (unit == 0) continue;
            int first = (unit - 1) * rows, last = Math.Min(Height, first + rows);
            for (int y = first; y < last; y++)
            {
                for (int i = 0; i < planes.Length; i++) lines[i] = planes[i].Line(y);
                colors.Convert(lines, pixels);
                sink.Add(y, 0, 1, pixels);
            }
        }
    }

    private static int Reduced(int length, int side) => JpegComponent.DivideUp(length * side, BlockSide);

    // A component with fewer samples than others is reduced less, as long as that spares interpolating it.
    private int SideOf(JpegComponent component)
    {
        int side = _side;
        while (side < BlockSide && _file.MostHorizontal * _side % (component.Horizontal * side * 2) == 0
            && _file.MostVertical * _side % (component.Vertical * side * 2) == 0)
        {
            side *= 2;
        }

        return side;
    }

    private void ReadUnits(JpegPlane[] planes, int row, short[] block)
    {
        int columns = JpegComponent.DivideUp(_file.Width, _file.MostHorizontal * BlockSide);
        for (int column = 0; column < columns; column++)
        {
            _scan.BeginUnit();
            foreach (JpegComponent component in _file.Scanned)
            {
                JpegPlane plane = planes[Array.IndexOf(_file.Components, component)];
                for (int y = 0; y < component.Vertical; y++)
                {
                    for (int x = 0; x < component.Horizontal; x++)
                    {
                        _scan.ReadWhole(component, block);
                        plane.Set(block, (column * component.Horizontal) + x, (row * component.Vertical) + y);
                    }
                }
            }
        }

        _file.Bits.Check();
    }

    private static void Transform(JpegPlane[] planes, int unit)
    {
        foreach (JpegPlane plane in planes)
        {
            JpegComponent component = plane.Component;
            for (int y = unit * component.Vertical; y < (unit + 1) * component.Vertical; y++)
            {
                for (int x = 0; x < component.PaddedX; x++)
                {
                    plane.Set(component.Coefficients.AsSpan(((y * component.PaddedX) + x) * BlockLength, BlockLength), x, y);
                }
            }
        }
    }

    private void ReadScans()
    {
        foreach (JpegComponent component in _file.Components)
        {
            component.Coefficients = new short[checked(component.PaddedX * component.PaddedY * BlockLength)];
        }

        int scans = 0;
        do
        {
            if (++scans > MostScans) throw ImageFormat.Damaged();
            _scan.Begin();
            if (_file.Scanned.Length == 1) ReadSingle(_file.Scanned[0]);
            else ReadInterleaved();
            _file.Bits.Check();
            _file.EndScan();
            if (!_file.IsProgressive && AllAreThere()) return;
        }
        while (_file.NextScan());
        if (!AllAreThere()) throw ImageFormat.CutOff();
    }

    private bool AllAreThere() => !Array.Exists(_file.Components, static component => component.Quantization is null);

    private void ReadSingle(JpegComponent component)
    {
        for (int y = 0; y < component.BlocksY; y++)
        {
            for (int x = 0; x < component.BlocksX; x++)
            {
                _scan.BeginUnit();
                ReadBlock(component, x, y);
            }
        }
    }

    private void ReadInterleaved()
    {
        int columns = JpegComponent.DivideUp(_file.Width, _file.MostHorizontal * BlockSide);
        for (int unit = 0; unit < columns * Units; unit++)
        {
            _scan.BeginUnit();
            foreach (JpegComponent component in _file.Scanned)
            {
                for (int y = 0; y < component.Vertical; y++)
                {
                    for (int x = 0; x < component.Horizontal; x++)
                    {
                        ReadBlock(component, (unit % columns * component.Horizontal) + x, (unit / columns * component.Vertical) + y);
                    }
                }
            }
        }
    }

    private void ReadBlock(JpegComponent component, int x, int y)
    {
        Span<short> block = component.Coefficients.AsSpan(((y * component.PaddedX) + x) * BlockLength, BlockLength);
        if (_file.IsProgressive) _scan.ReadPart(component, block);
        else _scan.ReadWhole(component, block);
    }
}
