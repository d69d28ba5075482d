using System.Diagnostics;
using Xunit;

namespace Thomas.Tests.Base;

public sealed class VisibleTextTests
{
    [Theory]
    [InlineData("red", "red")]
    [InlineData("", "")]
    [InlineData("a\nb\r\tc", "a\\nb\\r\\tc")]
    [InlineData("\u001b]0;title\u0007\u001b[31mred", "\\x1b]0;title\\x07\\x1b[31mred")]
    [InlineData("\u007f\u0085\u009b31m", "\\x7f\\x85\\x9b31m")]
    [InlineData("\u202edcba\u202c \u2066x\u2069", "\\u202edcba\\u202c \\u2066x\\u2069")]
    [InlineData("a\u200bb\u200dc\ufeffd\u00ade", "a\\u200bb\\u200dc\\ufeffd\\xade")]
    [InlineData("a\u2028b\u2029c", "a\\u2028b\\u2029c")]
    [InlineData("\udb40\udc41", "\\U000e0041")]
    [InlineData("\u3164", "\\u3164")]
    public void What_would_steer_a_terminal_or_hide_becomes_visible(string text, string expected) => Assert.Equal(expected, VisibleText.Of(text));

    [Fact]
    public void Halves_of_surrogate_pairs_become_visible() => Assert.Equal("\\ud83dx\\udc00\\uffff", VisibleText.Of("\ud83dx\udc00\uffff"));

    [Theory]
    [InlineData("Grüße, \u017eluťoučký kůň")]
    [InlineData("猫と犬")]
    [InlineData("\ud83d\udc69\u200d\ud83d\udd2c scientist")]
    [InlineData("گل\u200cها")]
    [InlineData("C:\\photos\\[red]")]
    public void What_people_write_stays(string text) => Assert.Same(text, VisibleText.Of(text));

    [Fact]
    public void Lines_stay_on_request_only()
    {
        Assert.Equal("a\nb\\x1b", VisibleText.Of("a\nb\u001b", keepLines: true));
        Assert.Equal("a\\nb", VisibleText.Of("a\nb"));
    }

    [Theory]
    [InlineData("short", 10, "short")]
    [InlineData("abcdefghijklmnop", 10, "abcdef…nop")]
    [InlineData("猫猫猫猫猫猫猫猫", 10, "猫猫猫…猫")]
    [InlineData("a\nb", 10, "a\\nb")]
    public void Long_names_keep_their_beginning_and_end(string text, int columns, string expected)
    {
        string shortened = VisibleText.Shorten(text, columns);
        Assert.Equal(expected, shortened);
        Assert.InRange(VisibleText.Width(shortened), 0, columns);
    }

    [Fact]
    public void A_name_of_a_million_characters_is_shortened_in_no_time()
    {
        long start = Stopwatch.GetTimestamp();
        Assert.Equal(60, VisibleText.Width(VisibleText.Shorten(new string('x', 1 << 20), 60)));
        Assert.InRange(Stopwatch.GetElapsedTime(start).TotalSeconds, 0, 5);
    }

    [Fact]
    public void Columns_are_counted_as_terminals_do()
    {
        Assert.Equal(4, VisibleText.Width("猫犬"));
        Assert.Equal(1, VisibleText.Width("e\u0301"));
        Assert.Equal("猫  ", VisibleText.Pad("猫", 4));
    }

    [Fact]
    public void Messages_of_exceptions_are_one_visible_line() =>
        Assert.Equal("model\\x1b.onnx: node 'a\\nb': is wrong", new ModelFormatException("model\u001b.onnx", "node 'a\nb'", "is wrong").Message);
}
