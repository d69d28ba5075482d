using System;
using System.Collections.Generic;
using System.Text;

namespace Thomas.Training;

/// <summary>
/// Compares class names. Names that are the same character by character belong together; only where none is, one that differs in case, blanks or Unicode form
/// does, and never more than one.
/// </summary>
internal static class ClassNames
{
    /// <summary>The model's class for each of the data set's.</summary>
    /// <param name="model">The model's name, for messages.</param>
    /// <param name="labels">The model's classes.</param>
    /// <param name="names">The data set's classes.</param>
    /// <param name="notes">Told which names are not quite the same.</param>
    /// <returns>Indices of <paramref name="labels"/>; -1 for names that the model does not have.</returns>
    /// <exception cref="DataException">A name fits several of the model's classes, or two names fit the same one.</exception>
    public static int[] Match(string model, IReadOnlyList<string> labels, IReadOnlyList<string> names, List<string> notes)
    {
        Dictionary<string, List<int>> exact = Group(labels, static name => name), formed = Group(labels, Form), loose = Group(labels, Loose);
        int[] map = new int[names.Count];
        Dictionary<int, int> users = [];
        for (int i = 0; i < map.Length; i++)
        {
            string name = names[i];
            List<int>? found = exact.GetValueOrDefault(name) ?? formed.GetValueOrDefault(Form(name)) ?? loose.GetValueOrDefault(Loose(name));
            map[i] = found is null ? -1 : found[0];
            if (found is null) continue;
            if (found.Count > 1)
            {
                string fit = labels[found[0]] == name
                    ? $"is the name of {found.Count} of the model's classes"
                    : $"matches {found.Count} of the model's classes equally well";
                throw new DataException(
                    $"{model}: '{name}' {fit} (numbers {string.Join(", ", found)}: {string.Join(", ", Quoted(labels, found))}); give the model a label "
                    + $"file with unique names (--labels).");
            }

            if (!users.TryAdd(map[i], i))
            {
                throw new DataException(
                    $"The data set's classes '{names[users[map[i]]]}' and '{name}' both match the model's class '{labels[map[i]]}'; merge their "
                    + $"images, or rename one of them.");
            }

            if (labels[map[i]] != name) notes.Add($"'{name}' is matched to the model's class '{labels[map[i]]}'{Difference(name, labels[map[i]])}");
        }

        return map;
    }

    /// <summary>Names that differ in case, blanks or Unicode form only, as a warning for each group.</summary>
    public static IReadOnlyList<string> Alike(IReadOnlyList<string> names)
    {
        List<string> warnings = [];
        foreach (List<int> group in Group(names, Loose).Values)
        {
            if (group.Count < 2) continue;
            warnings.Add(
                $"the classes {string.Join(" and ", Quoted(names, group))} differ only {How(names, group)} and are trained as different classes; if they "
                + $"are the same, put their images in one folder");
        }

        return warnings;
    }

    /// <summary>Whether two names are the same but for case, blanks and Unicode form.</summary>
    public static bool AreAlike(string a, string b) => Loose(a).Equals(Loose(b), StringComparison.Ordinal);

    /// <summary>One form for all ways to write an accented letter, without blanks around.</summary>
    private static string Form(string name) => UnicodeForm.Decompose(name.Trim());

    /// <summary>The same, without case, and with one blank for blanks and underscores.</summary>
    private static string Loose(string name)
    {
        StringBuilder text = new(name.Length);
        foreach (char c in Form(name))
        {
            bool blank = c == '_' || char.IsWhiteSpace(c);
            if (blank && (text.Length == 0 || text[^1] == ' ')) continue;
            text.Append(blank ? ' ' : c);
        }

        return text.ToString().TrimEnd().ToUpperInvariant();
    }

    private static Dictionary<string, List<int>> Group(IReadOnlyList<string> names, Func<string, string> key)
    {
        Dictionary<string, List<int>> groups = new(StringComparer.Ordinal);
        for (int i = 0; i < names.Count; i++)
        {
            string text = key(names[i]);
            if (!groups.TryGetValue(text, out List<int>? group)) groups.Add(text, group = []);
            group.Add(i);
        }

        return groups;
    }

    private static IEnumerable<string> Quoted(IReadOnlyList<string> names, List<int> indices)
    {
        foreach (int i in indices) yield return $"'{names[i]}'";
    }

    private static string Difference(string a, string b) => $" (they differ {How([a, b], [0, 1])})";

    private static string How(IReadOnlyList<string> names, List<int> group)
    {
        string first = names[group[0]];
        List<string> ways = [];
        foreach (int i in group)
        {
            string other = names[i];
            if (other == first) continue;
            string a = first.Trim(), b = other.Trim();
            bool form = a != b && Form(first) == Form(other), sameCase = Form(first) == Form(other)
                || !Form(first).Equals(Form(other), StringComparison.OrdinalIgnoreCase);
            string way = form ? "in Unicode form" : a == b ? "in surrounding spaces" : sameCase ? "in spaces or underscores" : "in case";
            if (!ways.Contains(way)) ways.Add(way);
        }

        return ways.Count == 0 ? "in nothing" : string.Join(" and ", ways);
    }
}
