// Draws the icon of the packages: a network whose last layer is being taught. dotnet run eng/DrawIcon.cs
#:package SkiaSharp
#:package SkiaSharp.NativeAssets.Linux.NoDependencies
#:property PublishAot=false
#:property RestorePackagesWithLockFile=false

using System;
using System.IO;
using System.Runtime.CompilerServices;
using SkiaSharp;

const int Side = 128;
SKColor ground = new(0x1B, 0x2A, 0x41), frozen = new(0x8F, 0xA9, 0xC9), taught = new(0xFF, 0xB4, 0x3A);
(float X, float[] Y)[] layers = [(26, [28, 64, 100]), (64, [40, 88]), (102, [28, 64, 100])];

using SKBitmap icon = new(Side, Side);
using SKCanvas canvas = new(icon);
canvas.Clear(SKColors.Transparent);
using SKPaint paint = new() { IsAntialias = true, Color = ground };
canvas.DrawRoundRect(0, 0, Side, Side, 24, 24, paint);
for (int i = 1; i < layers.Length; i++)
{
    paint.Color = (i == layers.Length - 1 ? taught : frozen).WithAlpha(150);
    paint.StrokeWidth = 3;
    foreach (float from in layers[i - 1].Y)
    {
        foreach (float to in layers[i].Y) canvas.DrawLine(layers[i - 1].X, from, layers[i].X, to, paint);
    }
}

for (int i = 0; i < layers.Length; i++)
{
    paint.Color = i == layers.Length - 1 ? taught : frozen;
    foreach (float y in layers[i].Y) canvas.DrawCircle(layers[i].X, y, 12, paint);
}

using SKData png = icon.Encode(SKEncodedImageFormat.Png, 100);
string path = Path.Combine(Path.GetDirectoryName(Here())!, "icon.png");
File.WriteAllBytes(path, png.ToArray());
Console.WriteLine($"{path}: {png.Size} bytes");

static string Here([CallerFilePath] string path = "") => path;
