using System;
using System.Diagnostics;

namespace Thomas.Training;

/// <summary>How the steps of a run get their batches.</summary>
internal sealed partial class TrainingRun
{
    // A run that ends sooner after its next batch is there has waited for that batch.
    private const double LeastRest = 0.05;

    private int[] _labels, _nextLabels;
    private bool _isFed;
    private TimeSpan _hidden, _fedRuns;
    private long _fedCount;

    /// <summary>Begins an epoch, or a part of it. A batch that was sent ahead, of a step that is not made after all, is dropped.</summary>
    private void StartLoader(int epoch, int step)
    {
        _isFed = false;
        _loader.Start(epoch, step);
    }

    private float Step(int step, out int correct)
    {
        float loss = 0;
        correct = 0;
        BeginStep(_at.Epoch, step);
        for (int run = 0; run < _plan.Runs(step); run++)
        {
            Feed();
            loss += RunAndFeed();
            ReadOnlySpan<float> probabilities = Program.Probabilities;
            for (int i = 0; i < _labels.Length; i++)
            {
                if (_labels[i] != Batch.NotCounted && TopK.Best(probabilities.Slice(i * _plan.Classes, _plan.Classes)) == _labels[i]) correct++;
            }
        }

        Program.End();
        return loss;
    }

    /// <summary>Brings the next batch to where it is needed, unless that has begun.</summary>
    private void Feed()
    {
        if (_isFed) (_labels, _nextLabels) = (_nextLabels, _labels);
        else _loader.Next(Program.Stage(_labels));
        _isFed = false;
        Program.Send();
    }

    /// <summary>Runs the batch at hand. A device that can take the next one meanwhile is given it.</summary>
    private float RunAndFeed()
    {
        long start = Stopwatch.GetTimestamp();
        TimeSpan waited = _loader.Waited;
        Program.Start();
        if (!Program.GoesAhead || !_loader.HasNext) return Program.Finish();
        _loader.Next(Program.Stage(_nextLabels));
        Program.SendAhead();
        _isFed = true;
        long fed = Stopwatch.GetTimestamp();
        float loss = Program.Finish();

        // Of a step that is split, the host's part begins only now: it has waited for the batch.
        if (Program is HybridStep) return loss;
        Hide(_loader.Waited - waited, Stopwatch.GetElapsedTime(fed), Stopwatch.GetElapsedTime(start));
        return loss;
    }

    /// <summary>Of the time that the next batch took, what the device computed meanwhile was not waited for.</summary>
    /// <param name="preparing">What the batch took.</param>
    /// <param name="rest">What the device still computed when the batch was there.</param>
    /// <param name="whole">Both, with the start.</param>
    private void Hide(TimeSpan preparing, TimeSpan rest, TimeSpan whole)
    {
        if (rest > LeastRest * whole)
        {
            _hidden += preparing;
            _fedRuns += whole;
            _fedCount++;
        }
        else if (_fedCount > 0)
        {
            TimeSpan usual = _fedRuns / _fedCount;
            _hidden += preparing < usual ? preparing : usual;
        }
    }
}
