using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using System.Text.Json.Nodes;

namespace Thomas.Tests.Fuzzing;

/// <summary>Small changes to numbers, texts, lists and trees, of the kinds that readers get wrong.</summary>
internal static class Mutation
{
    private static readonly long[] Numbers =
    [
        0, 1, -1, 2, -2, 3, 4, 5, 7, 8, 9, 16, 31, 32, 63, 64, 100, 127, 128, 255, 256, 1000, 4096, 32767, 32768, 65535, 65536, 1 << 20, 1 << 24, 1 << 28,
        int.MaxValue - 1, int.MaxValue,
        int.MinValue, int.MinValue + 1, 1L << 31, 1L << 32, (1L << 32) + 1, 1L << 40, 1L << 62, long.MaxValue, long.MinValue,
    ];

    private static readonly double[] Reals = [
        0, -0.0, 1, -1, 0.5, 1e-30, 1e30, 1e-45, float.MaxValue, float.MinValue, double.MaxValue, double.NaN, double.PositiveInfinity, double.NegativeInfinity];

    private static readonly string[] Texts = [
        "", " ", "x", "\0", "\n", "\u001b[31m", "\u202e", "..", "../x", "/dev/zero", "NaN", "-1", "1e999", "9999999999999999999", "\ud800", "\ufeff", "a\tb",
        "{}", "%s", "null"];

    public static long Number(Random random, long old) => random.Next(5) switch
    {
        0 => old + random.Next(-2, 3),
        1 => -old,
        2 => old ^ (1L << random.Next(63)),
        3 => random.Next(1, 12),
        _ => Numbers[random.Next(Numbers.Length)],
    };

    public static double Real(Random random, double old) => random.Next(4) switch
    {
        0 => -old,
        1 => old * 1000,
        2 => random.NextDouble(),
        _ => Reals[random.Next(Reals.Length)],
    };

    public static string Text(Random random, string old, IReadOnlyList<string> others) => random.Next(6) switch
    {
        0 => Texts[random.Next(Texts.Length)],
        1 when old.Length > 0 => old[..random.Next(old.Length)],
        2 => old + Texts[random.Next(Texts.Length)],
        3 => random.Next(50) == 0 ? new string('n', 1 << 17) : old + old,
        _ => others.Count > 0 ? others[random.Next(others.Count)] : old,
    };

    public static byte[] Bytes(Random random, byte[] old)
    {
        switch (random.Next(5))
        {
            case 0: return old[..random.Next(old.Length + 1)];
            case 1: return [.. old, .. old.AsSpan(0, Math.Min(old.Length, 64)), (byte)random.Next(256)];
            case 2: return [];
            default:
                byte[] changed = [.. old];
                for (int i = random.Next(1, 4); i > 0 && changed.Length > 0; i--)
                    changed[random.Next(Math.Min(changed.Length, 4096))] = (byte)(random.Next(3) == 0 ? 255 : random.Next(256));
                return changed;
        }
    }

    /// <summary>Removes, doubles, exchanges or moves an item.</summary>
    /// <returns>False where the list is as it was.</returns>
    public static bool Order<T>(Random random, IList<T> list, Func<T, T> copy)
    {
        if (list.Count == 0) return false;
        int at = random.Next(list.Count), other = random.Next(list.Count);
        switch (random.Next(4))
        {
            case 0:
                list.RemoveAt(at);
                return true;
            case 1:
                list.Insert(other, copy(list[at]));
                return true;
            case 2:
                (list[at], list[other]) = (copy(list[other]), copy(list[at]));
                return at != other;
            default:
                list[at] = copy(list[other]);
                return at != other;
        }
    }

    /// <summary>Changes a JSON text in a few places of its tree.</summary>
    public static string Json(Random random, string text)
    {
        JsonNode root = JsonNode.Parse(text)!;
        for (int i = random.Next(1, 4); i > 0; i--)
        {
            List<JsonNode> parents = [];
            Collect(root, parents);
            if (parents.Count > 0) Change(random, parents[random.Next(parents.Count)]);
        }

        string changed = root.ToJsonString();
        return random.Next(12) switch
        {
            0 => changed[..random.Next(changed.Length)],
            1 => changed.Replace("1", "1e999", StringComparison.Ordinal),
            2 => changed.Replace("\"", "\"\\ud800", StringComparison.Ordinal),
            3 => changed.Insert(random.Next(changed.Length), Texts[random.Next(Texts.Length)]),
            _ => changed,
        };
    }

    /// <summary>Changes the lines and fields of a text.</summary>
    public static byte[] Lines(Random random, string text, char[] separators)
    {
        List<string> lines = [.. text.Split('\n')];
        for (int i = random.Next(1, 5); i > 0; i--)
        {
            if (random.Next(3) == 0)
            {
                Order(random, lines, static line => line);
                continue;
            }

            if (lines.Count == 0) break;
            int at = random.Next(lines.Count);
            char separator = separators[random.Next(separators.Length)];
            List<string> fields = [.. lines[at].Split(separator)];
            if (random.Next(2) == 0) Order(random, fields, static field => field);
            else fields[random.Next(fields.Count)] = Text(random, fields[random.Next(fields.Count)], fields);
            lines[at] = string.Join(random.Next(6) == 0 ? '"' : separator, fields);
        }

        string changed = string.Join(random.Next(8) == 0 ? "\r" : random.Next(4) == 0 ? "\r\n" : "\n", lines);
        Encoding encoding = random.Next(10) switch { 0 => Encoding.Unicode, 1 => Encoding.UTF32, 2 => Encoding.Latin1, _ => new UTF8Encoding(false) };
        byte[] bytes = random.Next(5) == 0 ? [.. encoding.GetPreamble(), .. encoding.GetBytes(changed)] : encoding.GetBytes(changed);
        return random.Next(4) == 0 ? Bytes(random, bytes) : bytes;
    }

    private static void Collect(JsonNode node, List<JsonNode> parents)
    {
        if (node is JsonObject or JsonArray) parents.Add(node);
        IEnumerable<JsonNode?> children = node switch { JsonObject o => o.Select(pair => pair.Value), JsonArray a => a, _ => [] };
        foreach (JsonNode? child in children)
        {
            if (child is not null) Collect(child, parents);
        }
    }

    private static void Change(Random random, JsonNode parent)
    {
        if (parent is JsonArray array)
        {
            List<JsonNode?> items = [.. array.Select(item => item?.DeepClone())];
            if (items.Count > 0 && random.Next(2) == 0) items[random.Next(items.Count)] = Value(random, items[random.Next(items.Count)]);
            else Order(random, items, static item => item?.DeepClone());
            array.Clear();
            foreach (JsonNode? item in items) array.Add(item);
            return;
        }

        JsonObject members = parent.AsObject();
        if (members.Count == 0) return;
        KeyValuePair<string, JsonNode?> one = members.ElementAt(random.Next(members.Count)), other = members.ElementAt(random.Next(members.Count));
        switch (random.Next(5))
        {
            case 0: members.Remove(one.Key); break;
            case 1: members[one.Key] = other.Value?.DeepClone(); break;
            case 2: members[Text(random, one.Key, []).Replace("\ud800", "", StringComparison.Ordinal)] = one.Value?.DeepClone(); break;
            default: members[one.Key] = Value(random, one.Value); break;
        }
    }

    private static JsonNode? Value(Random random, JsonNode? old) => random.Next(7) switch
    {
        0 => null,
        1 => JsonValue.Create(Number(random, random.Next(10))),
        2 => JsonValue.Create(Texts[random.Next(Texts.Length)]),
        3 => JsonValue.Create(random.Next(2) == 0),
        4 => new JsonArray(old?.DeepClone()),
        5 => new JsonObject { ["x"] = old?.DeepClone() },
        _ => old is JsonValue value && value.TryGetValue(out long number) ? JsonValue.Create(Number(random, number)) : JsonValue.Create(random.NextDouble()),
    };
}
