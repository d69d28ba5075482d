using System;
using System.Collections.Generic;
using System.Linq;
using System.Net;
using System.Text.RegularExpressions;
using Thomas.App.Studies;
using Thomas.Study;
using Xunit;

namespace Thomas.Tests.App.Studies;

/// <summary>Pages, Markdown and terminal lines that are made from reports.</summary>
public sealed partial class ReportRenderingTests
{
    private static readonly string[] AllSections = [
        "run", "notes", "absent", "speed", "peers", "kernels", "accuracy", "stages", "sensors", "published", "samples"];

    [Fact]
    public void A_rich_report_has_every_section_and_a_bare_one_only_its_head()
    {
        Assert.Equal(AllSections, ReportSections.Of(SampleReports.Rich()).Select(section => section.Id));
        Assert.Equal(["run"], ReportSections.Of(SampleReports.Bare()).Select(section => section.Id));
        string page = HtmlReport.Render(SampleReports.Rich()), bare = HtmlReport.Render(SampleReports.Bare());
        foreach (string id in AllSections) Assert.Contains($"<h2 id=\"{id}\">", page, StringComparison.Ordinal);
        Assert.DoesNotContain("not complete", page, StringComparison.Ordinal);
        Assert.Contains("not complete", bare, StringComparison.Ordinal);
        Assert.DoesNotContain("<svg", bare, StringComparison.Ordinal);
    }

    [Fact]
    public void Figures_stand_in_the_page_in_Markdown_and_on_the_terminal()
    {
        StudyReport report = SampleReports.Rich();
        List<string> lines = [];
        StudyText.Print(report, lines.Add);
        string terminal = string.Join('\n', lines);
        foreach (string text in (string[])[WebUtility.HtmlDecode(HtmlReport.Render(report)), MarkdownReport.Render(report), terminal])
        {
            string plain = text.Replace("\\", "", StringComparison.Ordinal);

            // The long table of all combinations is on pages only: images a second and speed-up over one thread.
            foreach (string figure in (string[])["25.3", "1.82 ×", "1.91 ×"])
            {
                if (!ReferenceEquals(text, terminal)) Assert.Contains(figure, plain, StringComparison.Ordinal);
            }

            // Median and speed-up of MobileNetV2 on two threads; a kernel; accuracies; a seed's spread; energy; what others published.
            foreach (string figure in (string[])[
                "317 ms", "36.4 ×", "48.0 ms (30 %)", "77.3 %", "90.7 %", "88.0 %", "7.89 Wh", "180 ms a step", "0.800 ×",
                "8-bit arithmetic is not built yet.", "This system has no battery.", "AMD EPYC 9R14", "18634fa05a3e237f374a018469debd1cdfaab5d4"])
            {
                Assert.Contains(figure, plain, StringComparison.Ordinal);
            }

            Assert.Contains("not measured by this program", plain, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Nothing_from_a_file_becomes_markup()
    {
        string page = HtmlReport.Render(SampleReports.Named("hostile"));
        Assert.DoesNotContain("<script", page, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("&lt;script&gt;alert(1)", page, StringComparison.Ordinal);
        Assert.DoesNotContain('\u202E', page);
        Assert.DoesNotContain('\u001B', page);
        Assert.DoesNotContain(page, char.IsSurrogate);
        HashSet<string> tags = [.. Tag().Matches(page).Select(match => match.Groups[1].Value)], usual =
            [.. Tag().Matches(HtmlReport.Render(SampleReports.Rich())).Select(match => match.Groups[1].Value)];
        Assert.Equal(usual, tags);
    }

    [Theory]
    [InlineData("rich")]
    [InlineData("hostile")]
    public void A_page_loads_nothing(string which)
    {
        string page = HtmlReport.Render(SampleReports.Named(which));
        Assert.Contains("Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\"", page, StringComparison.Ordinal);
        foreach (Match link in Link().Matches(page)) Assert.Matches("^(#[\\w-]+|data:,)$", link.Groups[2].Value);
        foreach (Match url in Url().Matches(page)) Assert.Matches("^#[\\w-]+$", url.Groups[1].Value);
        Assert.DoesNotContain("@import", page, StringComparison.Ordinal);
    }

    [Fact]
    public void Names_within_a_page_are_unique_and_lead_somewhere()
    {
        string page = HtmlReport.Render(SampleReports.Rich());
        List<string> ids = [.. Id().Matches(page).Select(match => match.Groups[1].Value)];
        Assert.Equal(ids.Count, ids.Distinct().Count());
        IEnumerable<string> uses = Url().Matches(page).Select(match => match.Groups[1].Value[1..])
            .Concat(Link().Matches(page).Select(match => match.Groups[2].Value).Where(href => href.StartsWith('#')).Select(href => href[1..]))
            .Concat(LabelledBy().Matches(page).SelectMany(match => match.Groups[1].Value.Split(' ')));
        Assert.Empty(uses.Except(ids));
    }

    [Fact]
    public void Charts_take_every_color_from_the_style_of_the_page()
    {
        string page = HtmlReport.Render(SampleReports.Rich());
        foreach (Match svg in Svg().Matches(page))
        {
            Assert.DoesNotContain("rgb(", svg.Value, StringComparison.Ordinal);
            Assert.DoesNotContain("black", svg.Value, StringComparison.Ordinal);
            Assert.Contains("<title id=", svg.Value, StringComparison.Ordinal);
            Assert.Contains("<desc id=", svg.Value, StringComparison.Ordinal);
        }

        Assert.True(Svg().Count(page) > 15);
        HashSet<string> known = [.. Definition().Matches(page).Select(match => match.Groups[1].Value)];
        Assert.Empty(Variable().Matches(page).Select(match => match.Groups[1].Value).Where(name => name != "--h").Except(known));
    }

    /// <summary>As WCAG 2.2 asks: 4.5 for text, 3 for what is drawn.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void Colors_can_be_told_from_the_background(int scheme)
    {
        string page = HtmlReport.Render(SampleReports.Bare());
        MatchCollection roots = Root().Matches(page);
        Assert.Equal(3, roots.Count);
        Dictionary<string, string> colors =
            Definition().Matches(roots[scheme].Value).ToDictionary(match => match.Groups[1].Value, match => match.Groups[2].Value);
        foreach (string text in (string[])["--ink", "--faint", "--link"])
        {
            foreach (string paper in (string[])["--paper", "--raised"]) Assert.True(Contrast(colors[text], colors[paper]) >= 4.5, $"{text} on {paper}");
        }

        foreach (string heat in (string[])["--right", "--wrong"]) Assert.True(Contrast(colors["--ink"], colors[heat]) >= 4.5, $"text on {heat}");
        Assert.True(Contrast(colors["--warning-ink"], colors["--warning"]) >= 4.5);
        foreach (string drawn in colors.Keys.Where(name => SeriesName().IsMatch(name))) Assert.True(Contrast(colors[drawn], colors["--paper"]) >= 3, drawn);
    }

    [Theory]
    [InlineData("rich")]
    [InlineData("hostile")]
    public void Rows_of_Markdown_tables_have_as_many_cells_as_their_heads(string which)
    {
        int cells = 0, tables = 0;
        foreach (string line in MarkdownReport.Render(SampleReports.Named(which)).Split('\n'))
        {
            if (!line.StartsWith('|')) cells = 0;
            else if (cells == 0) (cells, tables) = (Cells(line), tables + 1);
            else Assert.Equal(cells, Cells(line));
            Assert.DoesNotContain("<script", line, StringComparison.Ordinal);
            Assert.DoesNotContain(line, c => char.IsControl(c) || c == '\u202E');
        }

        Assert.True(tables > 15);

        static int Cells(string line) => Regex.Count(line, @"(?<!\\)(\\\\)*\|");
    }

    [Fact]
    public void A_section_alone_becomes_tables_for_other_pages()
    {
        string kernels = MarkdownTables.Of(SampleReports.Rich(), "kernels");
        Assert.Contains("| forward-convolution | 16.8 ms (45 %) |", kernels, StringComparison.Ordinal);
        Assert.DoesNotContain("#", kernels, StringComparison.Ordinal);
        Assert.Equal("", MarkdownTables.Of(SampleReports.Bare(), "kernels"));
    }

    [Fact]
    public void Another_program_stands_beside_the_same_work()
    {
        string peers = MarkdownTables.Of(SampleReports.Rich(), "peers");
        Assert.Contains("| Model | Work | Batch | Threads | thomas | onnxruntime 1.31.1 | Ratio | Share of the machine |", peers, StringComparison.Ordinal);

        // 600 million operations in 5.6 ms, where the loop beside them gave 210 billion a second.
        Assert.Matches(@"\| squeezenet1\.1\.onnx \| inference \| 1 \| 1 \| 5\.60 ms \(.*\) \| 7\.00 ms \(.*\) \| 1\.25 × \(.*\) \| 51\.0 % \|", peers);
        Assert.Equal(1, peers.Split('\n').Count(line => line.StartsWith("| squeezenet", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("rich")]
    [InlineData("hostile")]
    [InlineData("bare")]
    public void A_terminal_of_a_hundred_columns_is_wide_enough(string which)
    {
        List<string> lines = [];
        StudyText.Print(SampleReports.Named(which), lines.Add);
        Assert.All(lines, line =>
        {
            Assert.True(VisibleText.Width(line) <= 100, line);
            Assert.DoesNotContain(line, c => char.IsControl(c) || char.IsSurrogate(c) || c == '\u202E');
        });
    }

    [Fact]
    public void Many_classes_are_folded_and_their_worst_pairs_listed()
    {
        string page = HtmlReport.Render(SampleReports.Rich());
        Assert.Contains("<summary>Classes that were confused most</summary>", page, StringComparison.Ordinal);
        Assert.Contains("class=\"n hw\"", page, StringComparison.Ordinal);
        Assert.Contains("Confusion matrix", page, StringComparison.Ordinal);
    }

    [Fact]
    public void Odd_figures_do_not_stop_a_page()
    {
        StudyReport rich = SampleReports.Rich();
        TimingCell cell = rich.Timings[0];
        StudyReport odd = rich with
        {
            Timings = [
                cell with { Summary = cell.Summary with { Median = double.NaN }, Samples = [] },
                cell with { Summary = new TimingSummary(0, 0, 0, 0, 0, 9, 0), Policy = "all", Device = "cpu" },
                cell with { Summary = new TimingSummary(1e300, -1, double.PositiveInfinity, 0, 0, 0, 0), Type = "half", Experiment = "" }],
            Kernels = [rich.Kernels[0] with { Parts = [], TimedStepSeconds = 0 }, rich.Kernels[1] with { Parts = [new KernelKind("unheard-of", -1, 0, 0)] }],
            Accuracies = [
                rich.Accuracies[0] with
                {
                    Labels = [], After = null,
                    Epochs = [new EpochEntry(1, 0, double.NaN, 0, null, null, 0), new EpochEntry(2, 0, double.NaN, 0, null, null, 0)],
                }],
            Sensors = rich.Sensors! with { Series = [new SensorSeries("", "", "", [0, 0], [double.NaN, double.NaN]), new SensorSeries("x", "y", "z", [], [])] },
            Stages = [new StageSeconds("", 0), new StageSeconds("x", double.PositiveInfinity)],
        };
        Assert.EndsWith("</html>\n", HtmlReport.Render(odd), StringComparison.Ordinal);
        Assert.NotEmpty(MarkdownReport.Render(odd));
    }

    private static double Contrast(string a, string b)
    {
        (double first, double second) = (Luminance(a), Luminance(b));
        return (Math.Max(first, second) + 0.05) / (Math.Min(first, second) + 0.05);
    }

    private static double Luminance(string color)
    {
        double[] channels = [.. Enumerable.Range(0, 3).Select(i => Convert.ToInt32(color.Substring(1 + (2 * i), 2), 16) / 255.0)
            .Select(c => c <= 0.04045 ? c / 12.92 : Math.Pow((c + 0.055) / 1.055, 2.4))];
        return (0.2126 * channels[0]) + (0.7152 * channels[1]) + (0.0722 * channels[2]);
    }

    [GeneratedRegex("<([a-zA-Z]+)")]
    private static partial Regex Tag();

    [GeneratedRegex("\\s(href|src|action|data|poster|srcset)=\"([^\"]*)\"")]
    private static partial Regex Link();

    [GeneratedRegex(@"url\(([^)]*)\)")]
    private static partial Regex Url();

    [GeneratedRegex("\\sid=\"([^\"]*)\"")]
    private static partial Regex Id();

    [GeneratedRegex("aria-labelledby=\"([^\"]*)\"")]
    private static partial Regex LabelledBy();

    [GeneratedRegex("<svg.*?</svg>", RegexOptions.Singleline)]
    private static partial Regex Svg();

    [GeneratedRegex(@"(--[\w-]+): (#[0-9a-f]{6})")]
    private static partial Regex Definition();

    [GeneratedRegex(@"var\((--[\w-]+)\)")]
    private static partial Regex Variable();

    [GeneratedRegex(@":root \{[^}]*\}")]
    private static partial Regex Root();

    [GeneratedRegex("^--(s[0-9]|other|non-kernel)$")]
    private static partial Regex SeriesName();
}
