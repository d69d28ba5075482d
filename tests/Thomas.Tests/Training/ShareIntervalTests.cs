using System;
using System.Linq;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Training;

public sealed class ShareIntervalTests
{
    // Of R's binom.confint(x, n, method = "wilson").
    [Theory]
    [InlineData(4, 4, 0.5101092, 1)]
    [InlineData(0, 10, 0, 0.2775328)]
    [InlineData(8, 10, 0.4901625, 0.9433178)]
    [InlineData(1, 1, 0.2065493, 1)]
    public void It_is_Wilsons(int correct, int total, double low, double high)
    {
        ShareInterval interval = ShareInterval.Wilson(correct, total);
        Assert.Equal(low, interval.Low, 1e-6);
        Assert.Equal(high, interval.High, 1e-6);
    }

    /// <summary>The definition: its ends are the shares that lie 1.96 of their own standard errors from what was counted.</summary>
    [Fact]
    public void Its_ends_are_the_shares_at_which_the_count_is_just_unlikely()
    {
        for (int n = 1; n < 40; n += 3)
        {
            for (int k = 0; k <= n; k++)
            {
                ShareInterval interval = ShareInterval.Wilson(k, n);
                foreach (double end in new[] { interval.Low, interval.High }.Where(static e => e is > 0 and < 1))
                    Assert.Equal(1.959963984540054, Math.Abs(((double)k / n) - end) / Math.Sqrt(end * (1 - end) / n), 1e-6);
                Assert.InRange((double)k / n, interval.Low, interval.High);
            }
        }
    }

    [Fact]
    public void Nothing_counted_says_nothing()
    {
        Assert.Equal(new ShareInterval(0, 1), ShareInterval.Wilson(0, 0));
        Assert.Equal(new ShareInterval(0, 1), new ConfusionMatrix(2).AccuracyInterval);
        Assert.Null(new ConfusionMatrix(2).OfClass(0).RecallInterval);
        Assert.Throws<ArgumentOutOfRangeException>(() => ShareInterval.Wilson(3, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => ShareInterval.Wilson(-1, 2));
    }

    [Fact]
    public void Tables_show_it_on_few_samples_only()
    {
        ConfusionMatrix few = new(2), many = new(2);
        for (int i = 0; i < 4; i++) few.Add(i % 2, i % 2);
        for (int i = 0; i < 200; i++) many.Add(i % 2, i % 2);
        Assert.Contains("accuracy 100.0% (4 of 4; 95% interval 51.0% to 100.0%)", few.ToTable(), StringComparison.Ordinal);
        Assert.Contains("100.0% of 2\n", few.ToTable(), StringComparison.Ordinal);
        Assert.DoesNotContain("interval", many.ToTable(), StringComparison.Ordinal);
    }
}
