using System;
using System.Collections.Generic;

namespace Thomas.Studio;

/// <summary>
/// A sentence of the program for the page, which shows it in the language of the person where it has words for its code, under <c>said.</c>, and the English
/// text otherwise.
/// </summary>
/// <param name="Code">What is said; null for a sentence that is not known, as of a reason that the system gave.</param>
/// <param name="Values">What belongs to it, as it stands in the text.</param>
/// <param name="Text">The sentence in English.</param>
internal sealed record Sentence(string? Code, IReadOnlyDictionary<string, string>? Values, string Text)
{
    // What the library and the studio write, with names for what varies. Of several that fit the first counts. A test makes the library write each of them.
    private static readonly (string Code, string Template)[] Known =
    [
        ("needTwo", "training needs images of at least two classes; {have}"),
        ("unchecked", "no validation image of {classes}: how well it is recognized is unknown"),
        ("unchecked", "no validation image of {classes}: how well they are recognized is unknown"),
        ("lostClass", "no {what} of {class} can be used: its recall is unknown"),
        ("belowHead", "the result ({after}) is below the baseline ({before}, the new last layer alone) on the same {n} images.{advice}"),
        ("below", "the result ({after}) is below the baseline ({before}, {method}) on the same {n} images.{advice}"),
        ("alike", "the classes {classes} differ only {how} and are trained as different classes; {advice}"),
        ("shared", "{n} of {total} validation images is a training image too ({example}): {advice}"),
        ("shared", "{n} of {total} validation images are training images too ({example}): {advice}"),
        ("twoLabels", "{n} image has more than one label ({example}), {advice}"),
        ("twoLabels", "{n} images have more than one label ({example}), {advice}"),
        ("deviceFailed", "the device failed, and the CPU computed instead from there on: {reason}"),
        ("guardTemperature", "the limit of {limit} °C has no effect any more: {reason}"),
        ("guardTemperature", "the limit of {limit} °C has no effect: {reason}"),
        ("guardBattery", "the limit of {limit} battery has no effect any more: {reason}"),
        ("guardBattery", "the limit of {limit} battery has no effect: {reason}"),
        ("cutTail", "'{file}': the last record (offset {offset}, {bytes} bytes) is incomplete, as after a crash or a power failure. {rest}"),
        ("notCompacted", "most images were removed, but the session's file could not be compacted and stays larger than needed: {reason}"),
        ("headAgain", "the trained head '{file}' cannot be used and must be trained again: {reason}"),
        ("headUnsaved", "the trained head is in use, but could not be saved, so the next start must train again: {reason}"),
        ("cacheRebuilt", "The prepared images in '{file}' could not be used ({reason}) and have been rebuilt."),
        ("cacheUnwritten", "The prepared images could not be cached in '{file}' ({reason}). {rest}"),
        ("cacheChanged", "The prepared images in '{file}' were cut or changed by another program while in use. {rest}"),
        ("checkpointUnwritten", "a checkpoint could not be written, {resume}; training continues and tries again at every later checkpoint: {reason}"),
        ("checkedNothing", "nothing: the last layer is not trained yet"),
        ("checkedTooFew", "nothing: no class has the {n} images needed before some are set aside"),
        ("checkedHead", "{n} of {all} images, set aside with seed {seed}, with a head trained on the others; the head in use was trained on all {again}"),
        ("checkedRunWithout", "{n} validation image of {classes} classes; {missing} of them have none"),
        ("checkedRunWithout", "{n} validation images of {classes} classes; {missing} of them have none"),
        ("checkedRun", "{n} validation image of {classes} classes"),
        ("checkedRun", "{n} validation images of {classes} classes"),
        ("inputGuess", "The preprocessing of images is a guess: {source}."),
        ("timeUnknown", "The time is not predicted for {device}, only for the CPU."),
        ("energyEarlier", "The energy is that of an earlier run of this project: {watts} W on average."),
        ("energyUnknown", "The energy is not known before a run was measured, which needs a sensor."),
        ("noTls", Capabilities.NoTls),
        ("noOpenSsl", Capabilities.NoOpenSsl),
        ("pullClosed", "The studio was closed; what had come is kept."),
    ];

    /// <summary>All codes, some of them several times.</summary>
    internal static IEnumerable<(string Code, string Template)> All() => Known;

    /// <summary>A sentence with its code, where it is a known one.</summary>
    public static Sentence Of(string text)
    {
        foreach ((string code, string template) in Known)
        {
            if (Match(template, text) is { } values) return new Sentence(code, values.Count == 0 ? null : values, text);
        }

        return new Sentence(null, null, text);
    }

    /// <summary>The same of a sentence that may be missing.</summary>
    public static Sentence? OfNullable(string? text) => text is null ? null : Of(text);

    /// <summary>The same of several.</summary>
    public static IReadOnlyList<Sentence> All(IReadOnlyList<string> texts)
    {
        Sentence[] sentences = new Sentence[texts.Count];
        for (int i = 0; i < sentences.Length; i++) sentences[i] = Of(texts[i]);
        return sentences;
    }

    /// <summary>What stands in a text where a template has names; null if it is not of the template.</summary>
    private static Dictionary<string, string>? Match(string template, string text)
    {
        Dictionary<string, string> values = new(StringComparer.Ordinal);
        ReadOnlySpan<char> pattern = template, left = text;
        while (true)
        {
            int open = pattern.IndexOf('{');
            if (open < 0) return left.SequenceEqual(pattern) ? values : null;
            if (!left.StartsWith(pattern[..open], StringComparison.Ordinal)) return null;
            left = left[open..];
            int close = pattern.IndexOf('}');
            string name = pattern[(open + 1)..close].ToString();
            pattern = pattern[(close + 1)..];
            int next = pattern.IndexOf('{');
            ReadOnlySpan<char> literal = next < 0 ? pattern : pattern[..next];
            int end = next < 0
                ? (left.EndsWith(literal, StringComparison.Ordinal) ? left.Length - literal.Length : -1)
                : left.IndexOf(literal, StringComparison.Ordinal);
            if (end < 0) return null;
            values.Add(name, left[..end].ToString());
            left = left[end..];
        }
    }
}
