using System;
using Thomas.Architectures;
using Thomas.App.Demo;
using Thomas.Data;
using Thomas.Data.Handwriting;
using Thomas.Runtime;
using Xunit;

namespace Thomas.Tests.Cli.Demo;

public sealed class DemoImagesTests
{
    private const int Cell = 60;

    private static Model Network(ulong seed) => new(
        LeNet5.Architecture.Build(new ArchitectureOptions { Classes = 10, Seed = seed }),
        new ModelInfo { Name = "net", Preprocessing = Preprocessing.Preset("unit", 28, 28) with { ColorOrder = ColorOrder.Gray, CropMargin = 1 } });

    [Fact]
    public void The_contact_sheet_has_a_row_for_each_class()
    {
        HandwrittenSet left = HandwrittenSet.Create("357", 9, 1), right = HandwrittenSet.Create("ABC", 5, 2);
        RgbImage sheet = DemoImages.ContactSheet(left, right, columns: 3);
        Assert.Equal((394, 184), (sheet.Width, sheet.Height));
        for (int i = 0; i < 9; i++) AssertGlyph(sheet, 4 + (i / 3 * Cell), 4 + (i % 3 * Cell), left.Pixels(i));
        for (int i = 0; i < 5; i++) AssertGlyph(sheet, 214 + (i / 3 * Cell), 4 + (i % 3 * Cell), right.Pixels(i));

        // Two images are missing from the third column and one from the second: their places stay empty.
        Assert.Equal((64, 64, 64), At(sheet, 214 + Cell + 10, 4 + (2 * Cell) + 10));
        Assert.Equal((64, 64, 64), At(sheet, 214 + (2 * Cell) + 10, 14));
    }

    [Fact]
    public void Predictions_stand_in_the_row_of_the_class_they_were_taken_for_and_mistakes_are_red()
    {
        HandwrittenSet known = HandwrittenSet.Create(HandwrittenSet.Letters, 10, 1), test = HandwrittenSet.Create(HandwrittenSet.Letters, 60, 2);
        Model model = Network(seed: 5);
        RgbImage image = DemoImages.Predictions(model, known, test, count: 50, new CompileOptions());
        int[] right = new int[10], wrong = new int[10];
        using (ImageClassifier classifier = new(model))
        {
            for (int i = 0; i < 50; i++)
            {
                int taken = classifier.Classify(test.ToDataset().Samples[i].Image.Read().Pixels!, 1)[0].Index;
                (taken == test.Label(i) ? right : wrong)[taken]++;
            }
        }

        int mistakes = 0;
        for (int row = 0; row < 10; row++)
        {
            int top = 4 + (row * Cell), x = Cell + 8;
            Assert.Equal((255, 255, 255), At(image, 4, top));
            for (int i = 0; i < right[row] + wrong[row]; i++, x += Cell) Assert.Equal(i < right[row] ? (60, 190, 90) : (235, 60, 50), At(image, x - 1, top));
            if (x < image.Width) Assert.Equal((64, 64, 64), At(image, x - 1, top));
            mistakes += wrong[row];
        }

        Assert.InRange(mistakes, 1, 49);
    }

    [Fact]
    public void Filters_are_drawn_to_one_scale_and_their_change_to_another()
    {
        Model before = Network(1), after = Network(2);
        (RgbImage image, double magnification) = DemoImages.Filters(before, after);
        Assert.Equal((1084, 166), (image.Width, image.Height));
        Assert.InRange(magnification, 0.5, 1);
        (RgbImage same, double none) = DemoImages.Filters(before, before);
        Assert.Equal(0, none);
        for (int x = 4; x < 54; x++)
        {
            Assert.Equal(At(same, x, 4), At(same, x, 58));
            Assert.Equal((255, 255, 255), At(same, x, 112));
        }
    }

    private static void AssertGlyph(RgbImage image, int left, int top, ReadOnlySpan<byte> pixels)
    {
        for (int i = 0; i < pixels.Length; i++)
        {
            (int, int, int) grey = (pixels[i], pixels[i], pixels[i]);
            int x = left + (i % 28 * 2), y = top + (i / 28 * 2);
            Assert.Equal(grey, At(image, x, y));
            Assert.Equal(grey, At(image, x + 1, y + 1));
        }
    }

    private static (int Red, int Green, int Blue) At(RgbImage image, int x, int y)
    {
        int i = ((y * image.Width) + x) * 3;
        return (image.Pixels[i], image.Pixels[i + 1], image.Pixels[i + 2]);
    }
}
