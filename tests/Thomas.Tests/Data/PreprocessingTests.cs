using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;

using Thomas.Data;

using Xunit;

namespace Thomas.Tests.Data;

public sealed class PreprocessingTests
{
    public static TheoryData<int, int, int, int> Sizes => new()
    {
        { 1, 1, 5, 3 },
        { 7, 3, 7, 3 },
        { 5, 9, 16, 2 },
        { 64, 48, 31, 17 },
        { 33, 200, 50, 50 },
        { 301, 11, 7, 40 },
        { 129, 65, 1, 1 },
    };

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Stretch_is_a_triangle_filter_widened_by_the_shrink_factor(int width, int height, int outWidth, int outHeight)
    {
        RgbImage image = Images.Noise(width, height, seed: 1);
        Preprocessor preprocessor = new(new Preprocessing { Width = outWidth, Height = outHeight, Resize = ResizeMode.Stretch });
        byte[] actual = new byte[preprocessor.CropBytes];
        preprocessor.Crop(image, actual);
        double[] expected = ResizeInDouble(image, outWidth, outHeight);
        for (int i = 0; i < actual.Length; i++)
        {
            // Two roundings to a byte: the first is off by up to 0.5 in every tap, the second by 0.5.
            Assert.Equal(expected[i], actual[i], 1.001);
        }
    }

    [Fact]
    public void Same_size_leaves_every_byte_alone()
    {
        RgbImage image = Images.Noise(37, 23, seed: 2);
        Preprocessor preprocessor = new(new Preprocessing { Width = 37, Height = 23, CropMargin = 1 });
        byte[] crop = new byte[preprocessor.CropBytes];
        preprocessor.Crop(image, crop);
        Assert.Equal(image.Pixels, crop);
    }

    [Theory]
    [InlineData(500, 375, 58, 16)]
    [InlineData(375, 500, 16, 58)]
    [InlineData(256, 256, 16, 16)]
    public void Center_crop_is_cut_from_the_resized_image_with_the_offset_rounded_down(int width, int height, int left, int top)
    {
        RgbImage image = Images.Noise(width, height, seed: 3);
        (int fullWidth, int fullHeight) = width > height ? (341, 256) : width < height ? (256, 341) : (256, 256);
        Preprocessor whole = new(new Preprocessing { Width = fullWidth, Height = fullHeight, Resize = ResizeMode.Stretch });
        byte[] resized = new byte[whole.CropBytes];
        whole.Crop(image, resized);
        Preprocessor cropping = new(Preprocessing.Preset("imagenet", 224, 224));
        byte[] crop = new byte[cropping.CropBytes];
        cropping.Crop(image, crop);
        for (int y = 0; y < 224; y++)
        {
            Assert.True(resized.AsSpan(((((top + y) * fullWidth) + left) * 3), 224 * 3).SequenceEqual(crop.AsSpan(y * 224 * 3, 224 * 3)));
        }
    }

    [Fact]
    public void Extreme_shapes_are_cropped_without_trouble()
    {
        Preprocessor preprocessor = new(Preprocessing.Preset("raw", 24, 40));
        byte[] crop = new byte[preprocessor.CropBytes];
        foreach ((int width, int height) in new[] { (1, 1), (1, 65535), (65535, 1), (2, 30000), (40000, 3) })
        {
            RgbImage image = new(width, height, Enumerable.Repeat((byte)77, width * height * 3).ToArray());
            Array.Clear(crop);
            preprocessor.Crop(image, crop);
            Assert.All(crop, value => Assert.Equal(77, value));
        }
    }

    [Fact]
    public void Presets_give_their_documented_values()
    {
        byte[] crop = [10, 20, 30];
        AssertInput("imagenet", crop, ((10 / 255.0) - 0.485) / 0.229, ((20 / 255.0) - 0.456) / 0.224, ((30 / 255.0) - 0.406) / 0.225);
        AssertInput("tf", crop, (10 / 127.5) - 1, (20 / 127.5) - 1, (30 / 127.5) - 1);
        AssertInput("unit", crop, 10 / 255.0, 20 / 255.0, 30 / 255.0);
        AssertInput("raw", crop, 10, 20, 30);
        AssertInput("caffe-bgr", crop, 30 - 103.94, 20 - 116.78, 10 - 123.68);
        Assert.Equal(["imagenet", "tf", "unit", "raw", "caffe-bgr"], Preprocessing.PresetNames);
        ArgumentException error = Assert.Throws<ArgumentException>(() => Preprocessing.Preset("torch", 8, 8));
        Assert.Contains("caffe-bgr", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Gray_is_the_luma_of_the_pixel()
    {
        Preprocessor preprocessor = new(new Preprocessing { Width = 4, Height = 1, ColorOrder = ColorOrder.Gray, Mean = new(1), Std = new(2) });
        float[] input = new float[4];
        preprocessor.Normalize([255, 0, 0, 0, 255, 0, 0, 0, 255, 90, 90, 90], input);
        Assert.Equal([(76 - 1) / 2f, (150 - 1) / 2f, (29 - 1) / 2f, (90 - 1) / 2f], input);
        Assert.Equal(4, preprocessor.InputLength);
    }

    [Fact]
    public void Short_buffers_are_refused()
    {
        Preprocessor preprocessor = new(Preprocessing.Preset("raw", 4, 4));
        RgbImage image = Images.Noise(4, 4, seed: 1);
        Assert.Throws<ArgumentException>(() => preprocessor.Crop(image, new byte[47]));
        Assert.Throws<ArgumentException>(() => preprocessor.Normalize(new byte[48], new float[47]));
        Assert.Throws<ArgumentException>(() => preprocessor.Normalize(new byte[47], new float[48]));
        Assert.Throws<ArgumentException>(() => new RgbImage(2, 2, new byte[11]));
    }

    [Theory]
    [InlineData("imagenet")]
    [InlineData("caffe-bgr")]
    public void Text_form_reads_back_to_an_equal_value_in_any_culture(string preset)
    {
        Preprocessing original = Preprocessing.Preset(preset, 224, 192) with { CropMargin = 1.1, Resize = ResizeMode.Stretch };
        CultureInfo before = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo.CurrentCulture = new CultureInfo("") { NumberFormat = { NumberDecimalSeparator = "," } };
            Dictionary<string, string> pairs = new(PreprocessingText.Format(original)) { ["other"] = "x" };
            Assert.Equal(original, PreprocessingText.Parse(pairs));
            Assert.Equal("224", pairs["thomas.width"]);
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Fact]
    public void Text_form_is_stable()
    {
        Assert.Equal(
            [
                "thomas.width=96", "thomas.height=64", "thomas.mean=103.94 116.78 123.68", "thomas.std=1 1 1", "thomas.color=bgr", "thomas.resize=center-crop",
                "thomas.crop_margin=1.1428571428571428",
            ],
            PreprocessingText.Format(Preprocessing.Preset("caffe-bgr", 96, 64)).Select(pair => $"{pair.Key}={pair.Value}"));
    }

    [Theory]
    [InlineData("thomas.width", "0")]
    [InlineData("thomas.height", "-3")]
    [InlineData("thomas.height", "tall")]
    [InlineData("thomas.mean", "1 2")]
    [InlineData("thomas.mean", "1 2 x")]
    [InlineData("thomas.mean", "1 2 NaN")]
    [InlineData("thomas.std", "1 0 1")]
    [InlineData("thomas.color", "cmyk")]
    [InlineData("thomas.resize", "bigger")]
    [InlineData("thomas.crop_margin", "0.5")]
    [InlineData("thomas.crop_margin", "wide")]
    [InlineData("thomas.std", null)]
    public void Bad_text_is_refused(string key, string? value)
    {
        Dictionary<string, string> pairs = new(PreprocessingText.Format(Preprocessing.Preset("tf", 8, 8)));
        pairs.Remove(key);
        if (value is not null)
        {
            pairs[key] = value;
        }

        Assert.Throws<FormatException>(() => PreprocessingText.Parse(pairs));
    }

    [Fact]
    public void No_text_means_no_preprocessing() => Assert.Null(PreprocessingText.Parse(new Dictionary<string, string> { ["author"] = "x" }));

    [Fact]
    public void Flip_mirrors_half_of_the_views()
    {
        RgbImage image = Images.Noise(16, 12, seed: 4);
        Preprocessor preprocessor = new(new Preprocessing { Width = 16, Height = 12, CropMargin = 1 });
        byte[] mirrored = Mirror(image);
        byte[] crop = new byte[preprocessor.CropBytes];
        int flips = 0;
        for (int view = 0; view < 400; view++)
        {
            preprocessor.Crop(image, new Augmentation { Flip = true }, new Rng((ulong)view), crop);
            bool isMirrored = crop.AsSpan().SequenceEqual(mirrored);
            Assert.True(isMirrored || crop.AsSpan().SequenceEqual(image.Pixels));
            flips += isMirrored ? 1 : 0;
        }

        Assert.InRange(flips, 150, 250);
    }

    [Fact]
    public void Random_crops_stay_inside_and_keep_the_asked_share_of_the_area()
    {
        // Red grows with x and green with y, so the extremes of a crop tell where it was.
        byte[] pixels = new byte[250 * 200 * 3];
        for (int i = 0; i < 250 * 200; i++)
        {
            (pixels[i * 3], pixels[(i * 3) + 1]) = ((byte)(i % 250), (byte)(i / 250));
        }

        RgbImage image = new(250, 200, pixels);
        Preprocessor preprocessor = new(new Preprocessing { Width = 50, Height = 50 });
        byte[] crop = new byte[preprocessor.CropBytes];
        List<double> shares = [];
        for (ulong seed = 0; seed < 300; seed++)
        {
            preprocessor.Crop(image, new Augmentation { MinimumCropScale = 0.25f }, new Rng(seed), crop);
            int last = crop.Length - 3;
            double width = (crop[last] - crop[0]) * 50 / 49.0;
            double height = (crop[last + 1] - crop[1]) * 50 / 49.0;
            Assert.InRange(width / height, 0.70, 1.43);
            shares.Add(width * height / (250 * 200));
        }

        Assert.All(shares, share => Assert.InRange(share, 0.23, 1.0));
        Assert.True(shares.Min() < 0.32 && shares.Max() > 0.75);
    }

    [Fact]
    public void Color_changes_are_bounded_and_zero_strength_changes_nothing()
    {
        RgbImage image = Images.Noise(8, 8, seed: 5);
        Preprocessor preprocessor = new(new Preprocessing { Width = 8, Height = 8, CropMargin = 1 });
        byte[] crop = new byte[preprocessor.CropBytes];
        preprocessor.Crop(image, new Augmentation(), new Rng(1), crop);
        Assert.Equal(image.Pixels, crop);
        preprocessor.Crop(image, new Augmentation { Color = 0.4f }, new Rng(1), crop);
        Assert.NotEqual(image.Pixels, crop);
        byte[] again = new byte[preprocessor.CropBytes];
        preprocessor.Crop(image, new Augmentation { Color = 0.4f }, new Rng(1), again);
        Assert.Equal(crop, again);
    }

    [Fact]
    public void Color_operations_follow_their_formulas()
    {
        byte[] pixels = [100, 50, 200, 10, 20, 30];
        ColorOperations.Brightness(pixels, 1.5f);
        Assert.Equal([150, 75, 255, 15, 30, 45], pixels);

        pixels = [100, 100, 100, 51, 51, 51];
        ColorOperations.Contrast(pixels, 0.5f);
        Assert.Equal([88, 88, 88, 64, 64, 64], pixels);

        pixels = [255, 0, 0, 9, 9, 9];
        ColorOperations.Saturation(pixels, 0);
        Assert.Equal([76, 76, 76, 9, 9, 9], pixels);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1.5, 0)]
    [InlineData(float.NaN, 0)]
    [InlineData(0.5, -0.1)]
    [InlineData(0.5, 1.1)]
    public void Augmentation_outside_its_range_is_refused(float scale, float color) =>
        Assert.Throws<ArgumentException>(() => new Augmentation { MinimumCropScale = scale, Color = color }.Check());

    private static void AssertInput(string preset, byte[] crop, double first, double second, double third)
    {
        float[] input = new float[3];
        new Preprocessor(Preprocessing.Preset(preset, 1, 1)).Normalize(crop, input);
        Assert.Equal(first, input[0], 1e-5);
        Assert.Equal(second, input[1], 1e-5);
        Assert.Equal(third, input[2], 1e-5);
    }

    private static byte[] Mirror(RgbImage image)
    {
        byte[] mirrored = new byte[image.Pixels.Length];
        for (int i = 0; i < image.Width * image.Height; i++)
        {
            int x = i % image.Width;
            Array.Copy(image.Pixels, i * 3, mirrored, (i - x + image.Width - 1 - x) * 3, 3);
        }

        return mirrored;
    }

    private static double[] ResizeInDouble(RgbImage image, int outWidth, int outHeight)
    {
        double[] result = new double[outWidth * outHeight * 3];
        for (int y = 0; y < outHeight; y++)
        {
            for (int x = 0; x < outWidth; x++)
            {
                for (int channel = 0; channel < 3; channel++)
                {
                    double sum = 0;
                    double total = 0;
                    for (int sourceY = 0; sourceY < image.Height; sourceY++)
                    {
                        double weightY = Weight(y, sourceY, (double)image.Height / outHeight);
                        for (int sourceX = 0; weightY > 0 && sourceX < image.Width; sourceX++)
                        {
                            double weight = weightY * Weight(x, sourceX, (double)image.Width / outWidth);
                            sum += weight * image.Pixels[(((sourceY * image.Width) + sourceX) * 3) + channel];
                            total += weight;
                        }
                    }

                    result[(((y * outWidth) + x) * 3) + channel] = sum / total;
                }
            }
        }

        return result;
    }

    private static double Weight(int output, int input, double scale) =>
        Math.Max(0, 1 - (Math.Abs(input + 0.5 - ((output + 0.5) * scale)) / Math.Max(scale, 1)));
}
