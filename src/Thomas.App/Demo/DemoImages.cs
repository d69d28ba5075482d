using System;
using System.Collections.Generic;
using Thomas.Data;
using Thomas.Data.Handwriting;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Runtime;

namespace Thomas.App.Demo;

/// <summary>What the demonstration shows as images. None has text in it: rows and frames say what is what, and the report explains them.</summary>
internal static class DemoImages
{
    private const int Side = HandwrittenSet.Side;
    private const int Scale = 2;
    private const int Gap = 4;
    private const int Cell = (Side * Scale) + Gap;

    private static readonly Canvas.Color Background = Canvas.Color.Grey(64);
    private static readonly Canvas.Color Right = new(60, 190, 90);
    private static readonly Canvas.Color Wrong = new(235, 60, 50);

    /// <summary>Drawn characters: a row for each class, the first set to the left of the second.</summary>
    /// <param name="left">One set.</param>
    /// <param name="right">Another with as many classes.</param>
    /// <param name="columns">Images of each class.</param>
    public static RgbImage ContactSheet(HandwrittenSet left, HandwrittenSet right, int columns)
    {
        const int Parting = Cell / 2;
        int classes = left.Characters.Length;
        Canvas canvas = new((2 * columns * Cell) + Parting + Gap, (classes * Cell) + Gap, Background);
        for (int row = 0; row < classes; row++)
        {
            for (int column = 0; column < columns; column++)
            {
                int index = (column * classes) + row, top = Gap + (row * Cell), x = Gap + (column * Cell);
                if (index < left.Count) Glyph(canvas, left, index, x, top);
                if (index < right.Count) Glyph(canvas, right, index, x + (columns * Cell) + Parting, top);
            }
        }

        return canvas.Image;
    }

    /// <summary>
    /// What a model takes images for: a row for each class that it names, headed by the class in black on white; a green frame where it is right, a red one, at
    /// the end of the row, where it is wrong.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="known">Images to head the rows with: the first of each class.</param>
    /// <param name="test">The images.</param>
    /// <param name="count">How many of them, from the first.</param>
    /// <param name="compile">Device and threads.</param>
    public static RgbImage Predictions(Model model, HandwrittenSet known, HandwrittenSet test, int count, CompileOptions compile)
    {
        int classes = test.Characters.Length;
        List<int>[] rows = new List<int>[classes];
        for (int i = 0; i < classes; i++) rows[i] = [];
        using (ImageClassifier classifier = new(model, null, compile))
        {
            for (int i = 0; i < int.Min(count, test.Count); i++) rows[classifier.Classify(ToImage(test, i), 1)[0].Index].Add(i);
        }

        int longest = 0;
        foreach (List<int> row in rows) longest = int.Max(longest, row.Count);
        Canvas canvas = new(((longest + 1) * Cell) + (2 * Gap), (classes * Cell) + Gap, Background);
        for (int row = 0; row < classes; row++)
        {
            int top = Gap + (row * Cell), x = Cell + (2 * Gap);
            canvas.Tile(Gap, top, Side, Scale, i => Canvas.Color.Grey((byte)(byte.MaxValue - known.Pixels(row)[i])));
            foreach (bool right in (ReadOnlySpan<bool>)[true, false])
            {
                foreach (int index in rows[row])
                {
                    if ((test.Label(index) == row) != right) continue;
                    canvas.Fill(x - (Gap / 2), top - (Gap / 2), Cell, Cell, right ? Right : Wrong);
                    Glyph(canvas, test, index, x, top);
                    x += Cell;
                }
            }
        }

        return canvas.Image;
    }

    /// <summary>
    /// The filters of the first layer: a row of them as they were, one as they are, and one of the change, red where a weight is positive and blue where it is
    /// negative. Both rows of filters have one scale; the change is drawn as strong as it must be to show.
    /// </summary>
    /// <returns>The image, and how many times stronger the change is drawn than the filters; 0 if there is none.</returns>
    public static (RgbImage Image, double Magnification) Filters(Model before, Model after)
    {
        const int Block = 10;
        (float[] old, int side, int count) = FirstLayer(before);
        float[] tuned = FirstLayer(after).Weights, change = new float[old.Length];
        for (int i = 0; i < change.Length; i++) change[i] = tuned[i] - old[i];
        float range = float.Max(Largest(old), Largest(tuned)), changeRange = Largest(change);
        int cell = (side * Block) + Gap, filter = side * side;
        Canvas canvas = new((count * cell) + Gap, (3 * cell) + Gap, Background);
        for (int f = 0; f < count; f++)
        {
            int left = Gap + (f * cell), first = f * filter;
            canvas.Tile(left, Gap, side, Block, i => Signed(old[first + i], range));
            canvas.Tile(left, Gap + cell, side, Block, i => Signed(tuned[first + i], range));
            canvas.Tile(left, Gap + (2 * cell), side, Block, i => Signed(change[first + i], changeRange));
        }

        return (canvas.Image, changeRange > 0 ? range / changeRange : 0);
    }

    /// <summary>A drawn image as it is, 28x28.</summary>
    public static RgbImage ToImage(HandwrittenSet set, int index)
    {
        Canvas canvas = new(Side, Side, default);
        canvas.Tile(0, 0, Side, 1, i => Canvas.Color.Grey(set.Pixels(index)[i]));
        return canvas.Image;
    }

    private static void Glyph(Canvas canvas, HandwrittenSet set, int index, int left, int top) =>
        canvas.Tile(left, top, Side, Scale, i => Canvas.Color.Grey(set.Pixels(index)[i]));

    /// <summary>The filters [o,k,k,1] of the first convolution, their side and their number.</summary>
    private static (float[] Weights, int Side, int Count) FirstLayer(Model model)
    {
        foreach (Node node in model.Graph.Nodes)
        {
            if (node.Op is Conv2d && node.Inputs[1].Constant is TensorData filters)
            {
                return (filters.ToFloats(), node.Inputs[1].Shape[1], node.Inputs[1].Shape[0]);
            }
        }

        throw new InvalidOperationException($"{model.Info.Name} has no convolution.");
    }

    private static float Largest(float[] values)
    {
        float largest = 0;
        foreach (float value in values) largest = float.Max(largest, float.Abs(value));
        return largest;
    }

    /// <summary>White is 0, the ends of the range are dark red and dark blue.</summary>
    private static Canvas.Color Signed(float value, float range)
    {
        float strength = range > 0 ? float.Abs(value) / range : 0;
        byte faded = (byte)(255 * (1 - strength)), dimmed = (byte)(255 - (80 * strength));
        return value >= 0 ? new Canvas.Color(dimmed, faded, faded) : new Canvas.Color(faded, faded, dimmed);
    }
}
