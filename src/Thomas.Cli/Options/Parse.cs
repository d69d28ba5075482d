using System;
using System.CommandLine;
using System.Globalization;
using System.Numerics;
using Thomas.Autodiff;

namespace Thomas.Cli.Options;

/// <summary>Options whose values are checked while they are parsed, with errors in plain words.</summary>
internal static class Parse
{
    /// <summary>A number within bounds, both inclusive unless <paramref name="belowMaximum"/> says otherwise.</summary>
    public static Option<T?> Number<T>(string name, string description, T minimum, T maximum, bool belowMaximum = false)
        where T : struct, INumber<T>
    {
        Option<T?> option = new(name) { Description = description, HelpName = "n" };
        string range = FormattableString.Invariant($"a {(IsReal<T>() ? "" : "whole ")}number from {minimum} to {(belowMaximum ? "below " : "")}{maximum}");
        option.CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            NumberStyles styles = IsReal<T>() ? NumberStyles.Float : NumberStyles.AllowLeadingSign;
            if (T.TryParse(text, styles, CultureInfo.InvariantCulture, out T value) && value >= minimum && (belowMaximum ? value < maximum : value <= maximum))
            {
                return value;
            }

            result.AddError($"{name} is '{text}'; it must be {range}.");
            return null;
        };
        return option;
    }

    /// <summary>One of a few words.</summary>
    public static Option<string> Word(string name, string description, params string[] words)
    {
        Option<string> option = new(name) { Description = description, HelpName = string.Join('|', words) };
        option.CompletionSources.Add(words);
        option.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && Array.IndexOf(words, result.Tokens[0].Value) < 0)
            {
                result.AddError($"{name} is '{result.Tokens[0].Value}'; it must be one of {string.Join(", ", words)}.");
            }
        });
        return option;
    }

    /// <summary>A color.</summary>
    public static Option<RgbColor?> Color(string name, string description)
    {
        Option<RgbColor?> option = new(name) { Description = description, HelpName = "white|black|gray|#RRGGBB" };
        option.CompletionSources.Add("white", "black", "gray");
        option.CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            if (RgbColor.TryParse(text, out RgbColor color)) return color;
            result.AddError($"{name} is '{text}'; it must be white, black, gray, or a color such as '#FF8000' (in quotes, since # begins a comment).");
            return null;
        };
        return option;
    }

    /// <summary>An amount of memory.</summary>
    public static Option<long?> Size(string name, string description)
    {
        Option<long?> option = new(name) { Description = description, HelpName = "size" };
        option.CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            if (ByteSize.TryParse(text, out long bytes)) return bytes;
            result.AddError($"{name} is '{text}'; it must be an amount of memory such as 64MiB or 1.5GB.");
            return null;
        };
        return option;
    }

    /// <summary>What to train.</summary>
    public static Option<UpdatePolicy?> Policy(string name, string description)
    {
        Option<UpdatePolicy?> option = new(name) { Description = description, HelpName = "last|last:N|bias|norm|all|scratch|sparse:SIZE" };
        option.CompletionSources.Add("last", "bias", "norm", "all", "scratch");
        option.CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            if (UpdatePolicy.TryParse(text, out UpdatePolicy policy)) return policy;
            result.AddError($"{name} is '{text}'; it must be last, last:N (N layers), bias, norm, all, scratch or sparse:SIZE such as sparse:64MiB.");
            return null;
        };
        return option;
    }

    /// <summary>Three numbers parted by commas, or one for all channels.</summary>
    public static Option<ChannelValues?> Channels(string name, string description, bool positive)
    {
        Option<ChannelValues?> option = new(name) { Description = description, HelpName = "r,g,b" };
        option.CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            string[] parts = text.Split(',');
            float[] values = new float[3];
            bool good = parts.Length is 1 or 3;
            for (int c = 0; c < 3 && good; c++)
            {
                string part = parts[parts.Length == 1 ? 0 : c];
                good = float.TryParse(part, NumberStyles.Float, CultureInfo.InvariantCulture, out values[c]) && float.IsFinite(values[c])
                    && (!positive || values[c] > 0);
            }

            if (good) return new ChannelValues(values[0], values[1], values[2]);
            result.AddError(
                $"{name} is '{text}'; it must be one or three {(positive ? "positive " : "")}numbers such as 127.5 or 123.7,116.3,103.5, in units of 0 to "
                + $"255.");
            return null;
        };
        return option;
    }

    private static bool IsReal<T>() => typeof(T) == typeof(float) || typeof(T) == typeof(double);
}
