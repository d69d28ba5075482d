using System;
using System.Collections.Generic;
using Thomas.Data;
using Thomas.Tests.Harness;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Training;

public sealed class ClassNamesTests
{
    private const string Composed = "caf\u00e9", Decomposed = "cafe\u0301";

    [Theory]
    [InlineData("Cat", 0)]
    [InlineData("cat", 1)]
    [InlineData(" cat ", 1)]
    [InlineData("DOG", 2)]
    [InlineData("red  panda", 3)]
    [InlineData("Red_Panda", 3)]
    [InlineData(Decomposed, 4)]
    [InlineData(Composed, 4)]
    [InlineData("CAF\u00c9", 4)]
    [InlineData("cow", -1)]
    [InlineData("\ud800", -1)]
    public void An_exact_name_goes_before_one_that_differs_in_case_blanks_or_form(string name, int expected)
    {
        string[] labels = ["Cat", "cat", "dog", "red panda", Composed];
        List<string> notes = [];
        Assert.Equal([expected], ClassNames.Match("model", labels, [name], notes));
        Assert.Equal(expected >= 0 && labels[expected] != name ? 1 : 0, notes.Count);
    }

    [Theory]
    [InlineData("'CAT' matches 2 of the model's classes", "Cat|cat", "CAT")]
    [InlineData("'crane' is the name of 2 of the model's classes (numbers 0, 2", "crane|dog|crane", "crane")]
    [InlineData("'Cat' and 'cat' both match the model's class 'Cat'", "Cat|dog", "Cat|cat")]
    public void What_is_ambiguous_is_refused(string message, string labels, string names)
    {
        DataException e = Assert.Throws<DataException>(() => ClassNames.Match("model", labels.Split('|'), names.Split('|'), []));
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Names_that_look_the_same_are_named()
    {
        string[] names = ["Cat", "cat", "dog", Composed, Decomposed, "a b", "a_b", "x", "x "];
        string all = string.Join('\n', ClassNames.Alike(names));
        Assert.Equal(4, all.Split('\n').Length);
        Assert.Contains("'Cat' and 'cat' differ only in case", all, StringComparison.Ordinal);
        Assert.Contains("differ only in Unicode form", all, StringComparison.Ordinal);
        Assert.Contains("'a b' and 'a_b' differ only in spaces or underscores", all, StringComparison.Ordinal);
        Assert.Contains("'x' and 'x ' differ only in surrounding spaces", all, StringComparison.Ordinal);
        Assert.Empty(ClassNames.Alike(["cat", "dog"]));
    }

    [Fact]
    public void Evaluation_of_classes_that_differ_in_case_counts_each_for_itself()
    {
        Model model = ColorModels.Create((b, colors) => [ColorModels.Softmax(b, ColorModels.Three(b, colors))], "Red", "red", "blue");
        ImageSet images = new();
        for (int i = 0; i < 3; i++)
        {
            images.Add("Red", [.. ColorModels.Image(200, (byte)i, 0).Pixels], ColorModels.Side, ColorModels.Side);
            images.Add("red", [.. ColorModels.Image((byte)i, 200, 0).Pixels], ColorModels.Side, ColorModels.Side);
        }

        Evaluation evaluation = Evaluator.Evaluate(model, images.ToDataset(), new NoDecoder());
        Assert.Equal(1, evaluation.Confusion.Accuracy);
        Assert.Equal(["blue"], evaluation.UncheckedClasses);
        Assert.DoesNotContain(evaluation.Notes, static n => n.Contains("matched to", StringComparison.Ordinal));
    }

    [Fact]
    public void Tuning_warns_of_names_that_look_the_same()
    {
        ImageSet images = TinyModels.Images(6, 1, "red", "green", "Red");
        TuningResult result = Tuner.Tune(
            TinyModels.Create(TinyModels.HeadStyle.Dense), images.ToDataset(), new NoDecoder(),
            new TuningOptions { Head = TrainerOptions.LastLayer with { Epochs = 2 } });
        Assert.Contains(
            result.Warnings,
            static w => w.Contains("'Red' and 'red' differ only in case", StringComparison.Ordinal)
            || w.Contains("'red' and 'Red' differ only in case", StringComparison.Ordinal));
    }
}
