using System;
using System.IO;
using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using Thomas.App.Studies;
using Thomas.Tests.Data;
using Xunit;

namespace Thomas.Tests.App.Studies;

/// <summary>The page of a report as a browser shows it: wide, on a phone, on paper.</summary>
public sealed partial class ReportPageTests : IDisposable
{
    // Width between the margins of A4: 186 millimeters at 96 pixels an inch.
    private const int Phone = 390, Screen = 1280, Paper = 703;

    // A page's policy forbids scripts, so this one runs in a copy without it. It measures what is too wide, what lies on what, and what is too small.
    private const string Measure =
        """
        <script>
        addEventListener('load', () => {
          for (const d of document.querySelectorAll('details')) d.open = true;
          const found = { width: innerWidth, page: document.documentElement.scrollWidth, overlaps: [], outside: [], small: [], wide: [], texts: 0, charts: 0 };
          for (const svg of document.querySelectorAll('svg')) {
            found.charts++;
            const frame = svg.getBoundingClientRect(), boxes = [];
            for (const text of svg.querySelectorAll('text')) {
              if (!text.textContent.trim()) continue;
              const box = text.getBoundingClientRect();
              found.texts++;
              if (box.height < 9.5) found.small.push(text.textContent + ' ' + box.height);
              if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1 || box.bottom > frame.bottom + 1) {
                found.outside.push(text.textContent);
              }
              for (const [other, name] of boxes) {
                const x = Math.min(box.right, other.right) - Math.max(box.left, other.left);
                const y = Math.min(box.bottom, other.bottom) - Math.max(box.top, other.top);
                if (x > 1 && y > 2) found.overlaps.push(name + ' / ' + text.textContent);
              }
              boxes.push([box, text.textContent]);
            }
            if (frame.right > document.documentElement.clientWidth + 1) found.wide.push('chart ' + svg.querySelector('title').textContent);
          }
          for (const box of document.querySelectorAll('.table')) if (box.scrollWidth > box.clientWidth + 1) found.wide.push(box.getAttribute('aria-label'));
          const out = document.createElement('pre');
          out.id = 'measured';
          out.textContent = JSON.stringify(found);
          parent.document.body.replaceChildren(out);
        });
        </script>
        </body>
        """;

    private readonly TemporaryFolder _files = new(onDisk: true);

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData("rich", Phone, "Liberation Sans")]
    [InlineData("rich", Phone, "DejaVu Sans")]
    [InlineData("rich", Screen, "Liberation Sans")]
    [InlineData("rich", Screen, "DejaVu Sans")]
    [InlineData("hostile", Phone, "Liberation Sans")]
    [InlineData("hostile", Phone, "DejaVu Sans")]
    public void Nothing_is_too_wide_too_small_or_on_top_of_something_else(string which, int width, string font)
    {
        // The widths of letters differ from system to system: Liberation Sans has those of Arial, DejaVu Sans is the widest that is common.
        string page = HtmlReport.Render(SampleReports.Named(which)).Replace("font-family: Arial", $"font-family: '{font}', Arial", StringComparison.Ordinal);
        Assert.Contains(font + "', Arial", page, StringComparison.Ordinal);
        JsonElement found = MeasureCopy(page, width);
        Assert.Equal(width, found.GetProperty("width").GetInt32());
        Assert.True(found.GetProperty("charts").GetInt32() > 15);
        Assert.True(found.GetProperty("texts").GetInt32() > 100);
        Assert.True(found.GetProperty("page").GetInt32() <= width, $"the page is {found.GetProperty("page")} wide");
        foreach (string list in (string[])["overlaps", "outside", "small"]) Assert.Equal("[]", found.GetProperty(list).GetRawText());
    }

    [Theory]
    [InlineData("rich")]
    [InlineData("hostile")]
    public void On_paper_no_table_and_no_chart_is_cut(string which)
    {
        string page = HtmlReport.Render(SampleReports.Named(which));
        Assert.Contains("@media print", page, StringComparison.Ordinal);

        // Samples are folded away on paper; here everything is open.
        JsonElement found = MeasureCopy(page.Replace("@media print", "@media all", StringComparison.Ordinal), Paper);
        Assert.Equal("[]", found.GetProperty("wide").GetRawText());
        Assert.True(found.GetProperty("page").GetInt32() <= Paper);
    }

    [Theory]
    [InlineData("rich")]
    [InlineData("hostile")]
    [InlineData("bare")]
    public void The_console_stays_empty(string which)
    {
        using Browser browser = new();
        string path = _files["report.html"];
        File.WriteAllText(path, HtmlReport.Render(SampleReports.Named(which)));
        (string dom, string complaints) = browser.Open(path, Screen);
        Assert.Contains("</html>", dom, StringComparison.Ordinal);
        Assert.Equal("", complaints);
    }

    /// <summary>That the measurement and the policy of the page work: planted faults are found, a planted script and image are refused.</summary>
    [Fact]
    public void Planted_faults_are_found()
    {
        string page = HtmlReport.Render(SampleReports.Rich());
        JsonElement found = MeasureCopy(
            page.Replace(
                "<main>", "<main><p style=\"width:2000px\">wide</p><svg width=\"50\"><text y=\"10\">one</text><text y=\"12\">two</text></svg>",
                StringComparison.Ordinal),
            Phone);
        Assert.Contains("one / two", found.GetProperty("overlaps").GetRawText(), StringComparison.Ordinal);
        Assert.True(found.GetProperty("page").GetInt32() > Phone);
        using Browser browser = new();
        File.WriteAllText(
            _files["planted.html"],
            page.Replace("<main>", "<main><script>document.title = 'planted'</script><img src=\"http://evil.example/a.png\">", StringComparison.Ordinal));
        (string dom, string complaints) = browser.Open(_files["planted.html"], Screen);
        Assert.DoesNotContain("<title>planted", dom, StringComparison.Ordinal);
        Assert.Contains("Content Security Policy", complaints, StringComparison.Ordinal);
        Assert.Contains("evil.example", complaints, StringComparison.Ordinal);
    }

    private JsonElement MeasureCopy(string page, int width)
    {
        string copy = Csp().Replace(page, "").Replace("</body>", Measure, StringComparison.Ordinal);
        using Browser browser = new();

        // A window has a least width, a frame has none.
        File.WriteAllText(
            _files["copy.html"],
            "<!DOCTYPE html><meta charset=\"utf-8\"><body>"
            + $"<iframe style=\"border:0;width:{width}px;height:900px\" srcdoc=\"{WebUtility.HtmlEncode(copy)}\"></iframe>");
        (string dom, string complaints) = browser.Open(_files["copy.html"], Screen);
        Match measured = Measured().Match(dom);
        Assert.True(measured.Success, complaints);
        return JsonDocument.Parse(WebUtility.HtmlDecode(measured.Groups[1].Value)).RootElement;
    }

    [GeneratedRegex("<meta http-equiv=[^>]*>")]
    private static partial Regex Csp();

    [GeneratedRegex("<pre id=\"measured\">([^<]*)</pre>")]
    private static partial Regex Measured();
}
