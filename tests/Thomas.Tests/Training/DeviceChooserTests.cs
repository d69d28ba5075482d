using System.Collections.Generic;
using System.IO;
using System.Linq;
using Thomas.Autodiff;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Runtime;
using Thomas.Runtime.OpenCl;
using Thomas.Tests.Data;
using Thomas.Tests.Harness;
using Thomas.Tests.Runtime;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Training;

public sealed class DeviceChooserTests
{
    private static readonly CompileOptions Options = new() { Threads = 1 };

    [Fact]
    public void Training_and_inference_are_timed_on_each_device()
    {
        MockDevice mock = MockDevice.Serial();
        DeviceCandidate[] devices = [On(mock, "mock"), new("cpu", "", "", Options)];
        DeviceChoice training = DeviceChooser.ForTraining(TrainerJob.Model(known: true), Plan, devices, null, default);
        Assert.Equal(["mock", "cpu"], training.Times.Select(time => time.Name));
        Assert.All(training.Times, time => Assert.True(time is { Milliseconds: > 0, CompileSeconds: > 0, Problem: null }, time.ToString()));
        Assert.Equal("a training step of 8 images", training.Work);
        Assert.Same(devices.Single(device => device.Name == training.Name).Options, training.Compile);
        int created = mock.Created;
        DeviceChoice inference = DeviceChooser.ForInference(TrainerJob.Model().Graph, 2, Options, devices, null, default);
        Assert.Equal(("inference of 2 images", 2), (inference.Work, inference.Times.Count));
        Assert.True(mock.Created > created && created > 0);
        Assert.Equal((0, 0), (mock.Bytes, mock.Pending));
    }

    [Fact]
    public void Times_are_remembered_for_the_same_question()
    {
        using TemporaryFolder folder = new();
        CompileOptions options = Options with { DeviceCache = folder["cache"] };
        MockDevice mock = MockDevice.Serial();
        DeviceCandidate[] devices = [On(mock, "mock")];
        Model model = TrainerJob.Model(known: true);
        TrainingPlanOptions plan = Plan with { Compile = options };
        DeviceChoice first = DeviceChooser.ForTraining(model, plan, devices, null, default);
        int created = mock.Created;
        DeviceChoice again = DeviceChooser.ForTraining(model, plan, devices, null, default);
        Assert.Equal((false, true), (first.IsRemembered, again.IsRemembered));
        Assert.Equal(first.Times, again.Times);
        Assert.Same(devices[0].Options, again.Compile);
        Assert.Equal(created, mock.Created);

        Assert.All(
            (DeviceChoice[])
            [
                DeviceChooser.ForTraining(model, plan with { Batch = 9 }, devices, null, default),
                DeviceChooser.ForTraining(model, plan with { Policy = new UpdatePolicy(UpdateKind.Bias) }, devices, null, default),
                DeviceChooser.ForTraining(model, plan with { Optimizer = new OptimizerOptions { Kind = OptimizerKind.AdamW } }, devices, null, default),
                DeviceChooser.ForTraining(model, plan, [devices[0] with { Identity = "another driver" }], null, default),
                DeviceChooser.ForTraining(model, plan, [.. devices, new("cpu", "", "", Options)], null, default),
                DeviceChooser.ForTraining(TrainingSteps.SmallNetwork, plan, devices, null, default),
                DeviceChooser.ForInference(model.Graph, 8, options, devices, null, default),
            ],
            other => Assert.False(other.IsRemembered));
        Assert.True(DeviceChooser.ForInference(model.Graph, 8, options, devices, null, default).IsRemembered);
    }

    [Fact]
    public void A_device_beside_the_CPU_is_timed_together_with_it_too()
    {
        using TemporaryFolder folder = new();
        CompileOptions options = Options with { DeviceCache = folder["cache"] };
        MockDevice mock = MockDevice.Serial();
        DeviceCandidate[] devices = [new("cpu", "", "", Options with { DeviceCache = folder["cache"] }), On(mock, "mock") with { CanPair = true }];
        TrainingPlanOptions plan = Plan with { Compile = options };

        // By a clock that stands in all but the runs: each of the mock takes as long as one of the CPU, and one of both half of that.
        TurnClock clock = new(10, 10, 6);
        DeviceChoice choice = DeviceChooser.ForTraining(TrainerJob.Model(known: true), plan, devices, clock, default);
        Assert.Equal(["cpu", "mock", "hybrid"], choice.Times.Select(time => time.Name));
        Assert.Equal(("hybrid", DeviceKind.Hybrid, 0.5), (choice.Name, choice.Compile.Device, choice.Compile.DeviceShare));
        Assert.Equal("4 of 8 images on mock, the others on cpu", choice.Times[2].Description);
        DeviceChoice again = DeviceChooser.ForTraining(TrainerJob.Model(known: true), plan, devices, clock, default);
        Assert.Equal((true, choice.Name, choice.Compile), (again.IsRemembered, again.Name, again.Compile));

        // Not where one of them would have next to nothing to do, nor with live batch normalization, nor where it runs on the CPU itself.
        Assert.Equal(2, DeviceChooser.ForTraining(TrainerJob.Model(known: true), Plan, devices, new TurnClock(10, 100, 6), default).Times.Count);
        Assert.Equal(2, DeviceChooser.ForTraining(TrainerJob.Model(known: true), Plan with { Batch = 1 }, devices, new TurnClock(10, 10, 6), default).Times.Count);
        Assert.Equal(
            2,
            DeviceChooser.ForTraining(
                TrainingSteps.SmallNetwork, Plan with { BatchNorm = BatchNormMode.Live, Batch = 2 }, devices, new TurnClock(10, 10, 6), default).Times.Count);
        devices[1] = devices[1] with { CanPair = false };
        Assert.Equal(2, DeviceChooser.ForTraining(TrainerJob.Model(known: true), Plan, devices, new TurnClock(10, 10, 6), default).Times.Count);
        Assert.Equal(0, mock.Bytes);
    }

    [Fact]
    public void A_device_that_fails_is_passed_over_and_not_remembered()
    {
        using TemporaryFolder folder = new();
        CompileOptions options = Options with { DeviceCache = folder["cache"] };
        DeviceCandidate[] devices = [On(new FailingDevice(), "failing"), new("cpu", "", "", Options)];
        DeviceChoice choice = DeviceChooser.ForInference(TrainerJob.Model().Graph, 1, options, devices, null, default);
        Assert.Equal("cpu", choice.Name);
        Assert.Equal("no memory today", choice.Times[0].Problem);
        Assert.Contains("failing        failed  : no memory today", choice.ToText(), System.StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder["cache"]));
    }

    [Fact]
    public void Devices_of_OpenCL_that_are_fit_stand_beside_the_CPU()
    {
        OpenClDevices found = OpenClTesting.RequireDevices();
        List<DeviceCandidate> devices = DeviceCandidate.All(Options);
        Assert.Equal(1 + found.Devices.Count(device => device.Problem is null), devices.Count);
        Assert.Equal((DeviceKind.Cpu, "cpu"), (devices[0].Options.Device, devices[0].Name));
        Assert.Contains(found.Devices[devices[1].Options.DeviceNumber!.Value].Driver, devices[1].Identity, System.StringComparison.Ordinal);
    }

    [Fact]
    public void They_are_timed()
    {
        OpenClTesting.RequireDevices();
        using TemporaryFolder folder = new();
        CompileOptions options = Options with { DeviceCache = folder["cache"] };
        DeviceChoice inference = DeviceChooser.ForInference(TrainerJob.Model(), 2, options),
            training = DeviceChooser.ForTraining(TrainerJob.Model(known: true), 0, TrainerJob.Options with { Compile = options }),
            tuning = DeviceChooser.ForTuning(TrainerJob.Model(), 3, 0, new TuningOptions { Compile = options }),
            network = DeviceChooser.ForTuning(TrainerJob.Model(), 3, 0, new TuningOptions { Compile = options, Network = TrainerJob.Options });
        foreach (DeviceChoice choice in (DeviceChoice[])[inference, training, tuning, network])
        {
            Assert.True(choice.Times.Count > 1);
            Assert.All(choice.Times, time => Assert.Null(time.Problem));
            using ImageClassifier classifier = new(TrainerJob.Model(), options: choice.Compile);
            Assert.NotEmpty(classifier.Kernels);
        }

        Assert.Equal("inference of 8 images", tuning.Work);
        Assert.Equal("a training step of 8 images", network.Work);
        Assert.True(DeviceChooser.ForInference(TrainerJob.Model(), 2, options).IsRemembered);
        Assert.False(DeviceChooser.ForInference(TrainerJob.Model(), 2, options with { Threads = 2 }).IsRemembered);
    }

    private static TrainingPlanOptions Plan => new() { Batch = 8, Compile = Options };

    private static DeviceCandidate On(Device device, string name) => new(name, "", name, DeviceTests.On(device));

    /// <summary>
    /// A clock that is asked twice for compiling and twice for each of up to ten runs, and lets each run of the first device take so many milliseconds, then the
    /// second's, the third's.
    /// </summary>
    private sealed class TurnClock(params double[] milliseconds) : System.TimeProvider
    {
        private int _device = -1;
        private bool _inRun;
        private long _now;
        private int _asked;

        public override long TimestampFrequency => 1_000_000;

        public override long GetTimestamp()
        {
            // A device begins with the two questions about compiling; runs follow in pairs. A pause of a second between devices ends the runs of the one before.
            _asked++;
            if (_asked == 1)
            {
                _device++;
                return _now;
            }

            if (_asked == 2) return _now += 1_000_000;
            _inRun = !_inRun;
            if (!_inRun)
            {
                _now += (long)(1e3 * milliseconds[_device]);
                if (_asked == 22 || IsCutShort) _asked = 0;
            }

            return _now;
        }

        private bool IsCutShort => _device > 0 && milliseconds[_device] > 3 * milliseconds[0];
    }

    /// <summary>A device that has kernels and no memory.</summary>
    private sealed class FailingDevice : Device
    {
        private readonly MockDevice _inner = MockDevice.Serial();

        public override string Name => "failing";

        public override string Identity => "Failing";

        public override long Alignment => _inner.Alignment;

        public override DeviceKernel? CreateKernel(Node node) => _inner.CreateKernel(node);

        public override HostDevice? Fallback(CompileOptions options, int threads) => _inner.Fallback(options, threads);

        public override DeviceMemory Allocate(long bytes) => throw new NotEnoughMemoryException("no memory today", bytes);

        public override bool Owns(DeviceMemory memory) => false;

        public override Segment Bind(IReadOnlyList<PlacedKernel> kernels, ThreadTeam team) => _inner.Bind(kernels, team);

        public override void Finish() => _inner.Finish();
    }
}
