using Thomas.Planning;
using Thomas.Runtime;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Runtime;

[Collection(nameof(ProcessMeasurements))]
public sealed class MachineRatesTests
{
    [Fact]
    public void Rates_are_measured_once_and_are_sane()
    {
        CostModel rates = MachineRates.Measure(1);
        Assert.Same(rates, MachineRates.Measure(1));
        Assert.InRange(rates.ProductRate, 1e7, 1e13);
        Assert.InRange(rates.DepthwiseRate, 1e7, 1e13);
        Assert.InRange(rates.ElementwiseRate, 1e6, 1e13);
        Assert.InRange(rates.Bandwidth, 1e7, 1e13);
    }
}
