using System.Collections.Generic;

namespace Thomas.Studio.Runs;

/// <summary>The losses of a whole run in a bounded number of points: each is the mean of so many steps, and stands at the last of them.</summary>
internal sealed class LossCurve
{
    private const int Most = 200;

    private readonly List<(int Step, double Loss)> _points = [];
    private int _stride = 1, _count;
    private double _sum;

    /// <summary>The points.</summary>
    public double[][] ToArray()
    {
        double[][] points = new double[_points.Count][];
        for (int i = 0; i < points.Length; i++) points[i] = [_points[i].Step, _points[i].Loss];
        return points;
    }

    /// <summary>Takes over the points of an earlier part, up to a step.</summary>
    public void Restore(double[][] points)
    {
        _points.Clear();
        foreach (double[] point in points) _points.Add(((int)point[0], point[1]));
        if (_points.Count > 1) _stride = int.Max(1, _points[1].Step - _points[0].Step);
    }

    /// <summary>Adds a step. One that was done before is done again: what came after it is forgotten.</summary>
    public void Add(int step, double loss)
    {
        if (_points.Count > 0 && _points[^1].Step >= step)
        {
            _points.RemoveAll(point => point.Step >= step);
            (_sum, _count) = (0, 0);
        }

        _sum += loss;
        if (++_count < _stride) return;
        _points.Add((step, _sum / _count));
        (_sum, _count) = (0, 0);
        if (_points.Count < Most) return;
        for (int i = 0; i < Most / 2; i++)
            _points[i] = (_points[(2 * i) + 1].Step, (_points[2 * i].Loss + _points[(2 * i) + 1].Loss) / 2);
        _points.RemoveRange(Most / 2, Most / 2);
        _stride *= 2;
    }
}
