using Thomas.Graphs;
using Thomas.Kernels.OpenCl;
using Thomas.Ops;
using Thomas.Runtime;
using Thomas.Runtime.OpenCl;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Runtime.OpenCl;

/// <summary>
/// Kernels that are wrong on purpose, so that a simulator which finds nothing in the real ones is known to look. They run on the simulator only; CI looks for
/// its findings.
/// </summary>
public sealed class OpenClPlantedFaults
{
    [Theory]
    [InlineData("planted_write")]
    [InlineData("planted_race")]
    [InlineData("planted_local")]
    [InlineData("planted_private")]
    public void A_wrong_kernel_runs_on_the_simulator(string function)
    {
        OpenClDevice device = OpenClTesting.RequireDevice();
        if (!OpenClTesting.IsSimulator(device)) Assert.Skip("only on the simulator");
        GraphBuilder builder = new();
        Value x = builder.Input("x", new TensorType(DType.F32, new Shape(64)));
        Node node = builder.AddNode(OpCatalog.Negate, [x], NoAttributes.Instance);
        using DeviceMemory memory = device.Allocate(64 * sizeof(float)), other = device.Allocate(64 * sizeof(float));
        OpenClLaunch launch = new(
            new OpenClProgram("planted", "", Source), function, new WorkSize(64), new WorkSize(16), [LaunchArgument.Input(0), LaunchArgument.Output()]);
        PlacedKernel placed = new(
            new OpenClKernel(function, launch), node, [new MemorySpan(memory, 0, memory.SizeBytes)], [new MemorySpan(other, 0, other.SizeBytes)], default,
            default,
            Packs: false);
        using ThreadTeam team = new(1);
        device.Bind([placed], team).Run();
        device.Finish();
    }

    private const string Source = """
        kernel void planted_write(ARG(const float, x), ARG(float, y))
        {
            USE(const float, x);
            USE(float, y);
            y[get_global_id(0) + 1] = x[get_global_id(0)];
        }

        kernel void planted_race(ARG(const float, x), ARG(float, y))
        {
            USE(const float, x);
            USE(float, y);
            local float shared[16];
            shared[get_local_id(0)] = x[get_global_id(0)];
            y[get_global_id(0)] = shared[15 - get_local_id(0)];
        }

        kernel void planted_local(ARG(const float, x), ARG(float, y))
        {
            USE(const float, x);
            USE(float, y);
            local float shared[16];
            if (get_local_id(0) < 8) shared[get_local_id(0)] = x[get_global_id(0)];
            barrier(CLK_LOCAL_MEM_FENCE);
            y[get_global_id(0)] = shared[15 - get_local_id(0)];
        }

        kernel void planted_private(ARG(const float, x), ARG(float, y))
        {
            USE(const float, x);
            USE(float, y);
            float sum[2];
            sum[0] = x[get_global_id(0)];
            if (sum[get_local_id(0) % 2] > 0) y[get_global_id(0)] = 1;
        }
        """;
}
