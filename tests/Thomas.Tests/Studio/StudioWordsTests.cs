using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Thomas.Data;
using Thomas.Runtime;
using Thomas.Studio;
using Thomas.Tests.Docs;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Studio;

/// <summary>The program's errors and sentences have words in every language of the page, and the program still writes what the page has words for.</summary>
public sealed partial class StudioWordsTests
{
    private static readonly string[] MadeOfPieces =
        ["unchecked", "shared", "twoLabels", "guardTemperature", "guardBattery", "checkedRun", "checkedRunWithout", "belowHead"];

    // Errors that the page itself finds.
    private static readonly string[] OwnErrors = ["unknown", "offline", "pullFailed"];

    [Theory]
    [InlineData("en")]
    [InlineData("de")]
    public void Every_error_has_words(string language)
    {
        Dictionary<string, string> words = Words(language, "error.");
        Assert.Equal(Enum.GetValues<ErrorCode>().Select(code => code.Name()).Concat(OwnErrors).Order(), words.Keys.Order());
    }

    [Theory]
    [InlineData("en")]
    [InlineData("de")]
    public void Every_sentence_has_words_for_what_it_tells(string language)
    {
        Dictionary<string, string> words = Words(language, "said.");
        Assert.Equal(Sentence.All().Select(known => known.Code).Distinct().Order(), words.Keys.Select(Singular).Distinct().Order());
        foreach ((string key, string text) in words)
        {
            // Each template of a code has all that its words tell, and a number where they have two forms.
            foreach ((_, string template) in Sentence.All().Where(known => known.Code == Singular(key)))
            {
                string[] has = Holes(template), tells = Holes(text);
                Assert.True(tells.All(has.Contains), $"{language}, {key}: the page tells more than the program: {template}");
                if (key != Singular(key)) Assert.Contains("n", has);
            }
        }
    }

    [Fact]
    public void The_library_and_the_studio_write_these_sentences()
    {
        string[] sources = [Source("src/Thomas"), Source("src/Thomas.Studio")];
        foreach ((string code, string template) in Sentence.All())
        {
            // Those that are put together of more pieces are made below.
            if (MadeOfPieces.Contains(code)) continue;
            foreach (string piece in HolePattern().Split(template).Where(piece => piece.Trim().Length > 3))
                Assert.True(sources.Any(source => source.Contains(piece, StringComparison.Ordinal)), $"{code}: nothing writes '{piece}' any more");
        }
    }

    [Fact]
    public void Sentences_are_known_by_what_the_library_makes_of_them()
    {
        ConfusionMatrix after = new([[3, 1], [1, 3]]), before = new([[4, 0], [1, 3]]);
        Is("unchecked", TuningWarnings.Unchecked(["a"]), ("classes", "'a'"));
        Is("unchecked", TuningWarnings.Unchecked(["a", "b"]), ("classes", "'a', 'b'"));
        Is("below", TuningWarnings.Below(after, before, "the nearest class centroid") + " More images.", ("after", "75.0%"), ("before", "87.5%"), ("n", "8"));
        Is("belowHead", TuningWarnings.Below(after, before, "the new last layer alone") + " More.", ("after", "75.0%"), ("before", "87.5%"), ("n", "8"));
        Is("alike", Assert.Single(ClassNames.Alike(["cat", "Cat"])), ("classes", "'cat' and 'Cat'"));
        Is("deviceFailed", DeviceFailure.Describe(new InvalidOperationException("gone")), ("reason", "gone"));
        Sample[] cats = Samples(0, 1, 2), dogs = Samples(1, 3, 4);
        Is("lostClass", Assert.Single(LostClasses.Of(Data(cats, dogs), Data(cats), "validation image")), ("class", "'dog'"));
        Is("shared", Assert.Single(DatasetWarnings.Of([.. cats, .. dogs], Samples(0, 1), ["cat", "dog"])), ("n", "1"), ("total", "1"));
        Is("shared", Assert.Single(DatasetWarnings.Of([.. cats, .. dogs], Samples(0, 1, 2), ["cat", "dog"])), ("n", "2"), ("total", "2"));
        Is("twoLabels", Assert.Single(DatasetWarnings.Of([.. cats, .. Samples(1, 1)], [], ["cat", "dog"])), ("n", "1"));
        Is("twoLabels", Assert.Single(DatasetWarnings.Of([.. cats, .. Samples(1, 1, 2)], [], ["cat", "dog"])), ("n", "2"));
        Assert.Null(Sentence.Of("a sentence that nobody knows").Code);
        Assert.Null(Sentence.Of("").Code);
    }

    [Fact]
    public void The_guard_says_what_it_cannot_read()
    {
        List<string> told = [];
        RunGuard guard = new() { MaximumTemperature = 42.5, MinimumBattery = 0.15, Read = static () => new GuardReading() };
        new GuardWatch(guard, static (_, _, _) => { }, (_, text) => told.Add(text)).Pass("train", default);
        Is("guardTemperature", told[0], ("limit", "42.5"));
        Is("guardBattery", told[1], ("limit", "15 %"));
    }

    private static void Is(string code, string text, params (string Name, string Value)[] values)
    {
        Sentence sentence = Sentence.Of(text);
        Assert.True(sentence.Code == code, $"{sentence.Code}: {text}");
        Assert.Equal(text, sentence.Text);
        foreach ((string name, string value) in values) Assert.Equal(value, sentence.Values![name]);
    }

    private static Sample[] Samples(int label, params byte[] grays) =>
        [.. grays.Select(gray => new Sample(ImageSource.FromPixels($"{gray}", new RgbImage(1, 1, [gray, gray, gray])), label, Subset.Validation))];

    private static Dataset Data(params Sample[][] samples) => new("data", ["cat", "dog"], [.. samples.SelectMany(some => some)]);

    private static string Singular(string key) => key.EndsWith(".one", StringComparison.Ordinal) ? key[..^4]
        : key.EndsWith(".other", StringComparison.Ordinal) ? key[..^6] : key;

    private static string[] Holes(string text) => [.. HolePattern().Matches(text).Select(match => match.Value.Trim('{', '}'))];

    /// <summary>Words under a beginning, without it.</summary>
    private static Dictionary<string, string> Words(string language, string beginning)
    {
        using Stream file = typeof(Sentence).Assembly.GetManifestResourceStream($"wwwroot/messages/{language}.json")!;
        using JsonDocument words = JsonDocument.Parse(file);
        return words.RootElement.EnumerateObject().Where(word => word.Name.StartsWith(beginning, StringComparison.Ordinal))
            .ToDictionary(word => word.Name[beginning.Length..], word => word.Value.GetString()!);
    }

    /// <summary>The sources of a folder, with texts of several lines in one piece.</summary>
    private static string Source(string folder)
    {
        StringBuilder all = new();
        foreach (string path in Directory.EnumerateFiles(Path.Combine(RepositoryFiles.Root(), folder), "*.cs", SearchOption.AllDirectories))
        {
            bool isOther = path.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal)
                || Path.GetFileName(path) == "Sentence.cs";
            if (!isOther) all.Append(JoinPattern().Replace(File.ReadAllText(path), ""));
        }

        return all.ToString();
    }

    [GeneratedRegex(@"\{\w+\}")]
    private static partial Regex HolePattern();

    [GeneratedRegex("""
        "\s*\+\s*\$?"
        """)]
    private static partial Regex JoinPattern();
}
