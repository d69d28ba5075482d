using System;
using Thomas.Runtime;
using Thomas.Training;

namespace Thomas.Study;

/// <summary>Training steps or inferences on noise, with or without a clock around every kernel.</summary>
internal abstract class KernelWork : IDisposable
{
    /// <summary>What runs.</summary>
    public abstract Executable Executable { get; }

    /// <summary>The work.</summary>
    /// <param name="network">The model.</param>
    /// <param name="policy">An update policy, or <see cref="StudyExperiment.Inference"/>.</param>
    /// <param name="batch">Images at a time.</param>
    /// <param name="device">How numbers are stored.</param>
    /// <param name="compile">Device, threads and switches; clocks of an OpenCL device need <see cref="WithClocks"/>.</param>
    public static KernelWork Create(Model network, string policy, int batch, StudyDevice device, CompileOptions compile)
    {
        if (policy == StudyExperiment.Inference)
        {
            return new InferenceWork(Executable.Compile(ClassOutput.Of(StudyTypes.ForInference(network, device)).Alone().Graph, batch, compile));
        }

        (network, TrainingPlanOptions options) = StudyTypes.ForStep(network, TimingUnit.StepOptions(policy, batch, compile), device);
        return new StepWork(TrainingPlanner.Plan(network, options), compile);
    }

    /// <summary>The options for an OpenCL device whose queue times its launches.</summary>
    public static CompileOptions WithClocks(CompileOptions compile) => compile with { DeviceSettings = $"{compile.DeviceSettings} profiling".TrimStart() };

    /// <summary>Does the work once, and waits for its end.</summary>
    public abstract void Run();

    /// <summary>The same with clocks.</summary>
    /// <param name="seconds">The time of each kernel is added to its element.</param>
    public abstract void RunTimed(double[] seconds);

    /// <inheritdoc/>
    public abstract void Dispose();

    private sealed class InferenceWork : KernelWork
    {
        private readonly Executable _executable;
        private readonly float[] _images;

        public InferenceWork(Executable executable)
        {
            _executable = executable;
            _images = new float[executable.Graph.Inputs[0].Shape.ElementCount];
            TrainingTrial.FillWithNoise(_images);
        }

        public override Executable Executable => _executable;

        public override void Run()
        {
            Begin();
            _executable.Run();
            _executable.Fetch();
        }

        public override void RunTimed(double[] seconds)
        {
            Begin();
            _executable.RunTimed(seconds);
            _executable.Fetch();
        }

        public override void Dispose() => _executable.Dispose();

        private void Begin()
        {
            _images.CopyTo(_executable.Stage());
            _executable.Send();
        }
    }

    /// <summary>Without a bound, a step is one run that also updates the weights.</summary>
    private sealed class StepWork : KernelWork
    {
        private readonly VariableStore _store;
        private readonly StepProgram _program;
        private readonly Device _device;
        private readonly Batch _images;
        private readonly int[] _labels;
        private long _steps;

        public StepWork(TrainingPlan plan, CompileOptions compile)
        {
            _device = Device.Of(compile);
            _store = new VariableStore(plan.Graph.Variables, _device);
            _program = new StepProgram(plan, _store);
            _labels = new int[_program.Batch];
            _images = new Batch(_program.Batch, plan.Trainee.Graph.Inputs[0].Shape.ElementCount, plan.Trainee.Classes);
            TrainingTrial.Fill(_images, plan.Trainee.Classes);
        }

        public override Executable Executable => _program.Step;

        public override void Run()
        {
            Begin();
            _program.Run();
            Finish();
        }

        public override void RunTimed(double[] seconds)
        {
            Begin();
            _program.RunTimed(seconds);
            Finish();
        }

        public override void Dispose()
        {
            _program.Dispose();
            _store.Dispose();
        }

        private void Begin()
        {
            _program.Begin(++_steps, 0);
            _images.CopyTo(_program.Stage(_labels));
            _program.Send();
        }

        private void Finish()
        {
            _program.End();
            _device.Finish();
        }
    }
}
