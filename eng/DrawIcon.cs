// Draws the icons: a network whose last layer is being taught. dotnet run eng/DrawIcon.cs
//
// eng/icon.png is that of the packages. The others are for Android before 8; later ones draw apps/android/res/drawable/icon_network.xml.
#:package SkiaSharp
#:package SkiaSharp.NativeAssets.Linux.NoDependencies
#:property PublishAot=false
#:property RestorePackagesWithLockFile=false

using System;
using System.IO;
using System.Runtime.CompilerServices;
using SkiaSharp;

string eng = Path.GetDirectoryName(Here())!, resources = Path.Combine(eng, "..", "apps", "android", "res");
Draw(128, Path.Combine(eng, "icon.png"));
foreach ((string density, int side) in ((string, int)[])[("mdpi", 48), ("hdpi", 72), ("xhdpi", 96), ("xxhdpi", 144), ("xxxhdpi", 192)])
{
    Draw(side, Path.Combine(resources, $"mipmap-{density}", "icon.png"));
}

static void Draw(int side, string path)
{
    const int Side = 128;
    SKColor ground = new(0x1B, 0x2A, 0x41), frozen = new(0x8F, 0xA9, 0xC9), taught = new(0xFF, 0xB4, 0x3A);
    (float X, float[] Y)[] layers = [(26, [28, 64, 100]), (64, [40, 88]), (102, [28, 64, 100])];

    using SKBitmap icon = new(side, side);
    using SKCanvas canvas = new(icon);
    canvas.Clear(SKColors.Transparent);
    canvas.Scale((float)side / Side);
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
    Directory.CreateDirectory(Path.GetDirectoryName(path)!);
    File.WriteAllBytes(path, png.ToArray());
    Console.WriteLine($"{path}: {png.Size} bytes");
}

static string Here([CallerFilePath] string path = "") => path;
