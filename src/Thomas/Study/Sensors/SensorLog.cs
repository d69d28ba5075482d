using System;
using System.Collections.Generic;
using System.Threading;
using Thomas.Runtime;

namespace Thomas.Study;

/// <summary>
/// Records temperatures, power, clocks and charge over the time of a run, from a thread of its own or on demand. When it is full, neighbors are joined and the
/// interval doubles, so a run of any length fits.
/// </summary>
/// <example>
/// <code>
/// using SensorLog log = new(new SystemSensors());
/// log.Start();
/// EnergyMeter meter = log.BeginEnergy();
/// Work();
/// double? joulesPerStep = meter.Read().JoulesOf(steps);
/// SensorRecord record = log.ToRecord();
/// </code>
/// </example>
internal sealed class SensorLog : IDisposable
{
    // A phone lists up to a hundred zones; those that tell most come first.
    private const int MostTemperatures = 12, MostSeries = 32;

    // The counters of a large processor under load begin again after a few minutes, so they are read oftener than the rest.
    private static readonly TimeSpan MostBetweenCounts = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan LongestInterval = TimeSpan.FromHours(1);

    private readonly Lock _gate = new();
    private readonly SystemSensors _sensors;
    private readonly SensorClock _clock;
    private readonly int _most;
    private readonly TimeSpan _began;
    private readonly List<Track> _tracks = [];
    private readonly List<CounterPower> _powers = [];
    private readonly List<WeakReference<EnergyMeter>> _meters = [];
    private readonly EnergyMeter _whole;
    private readonly CancellationTokenSource _end = new();
    private readonly List<string> _lost = [];
    private Thread? _thread;
    private TimeSpan _interval;
    private int _samples;
    private bool _disposed;

    /// <param name="sensors">The sensors, which nobody else may read meanwhile.</param>
    /// <param name="interval">Time between two samples at the start; null for a second.</param>
    /// <param name="most">The most samples of a series, at least 2.</param>
    /// <param name="clock">Time; null for the system's.</param>
    public SensorLog(SystemSensors sensors, TimeSpan? interval = null, int most = 512, SensorClock? clock = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(most, 2);
        (_sensors, _most, _clock) = (sensors, most, clock ?? SensorClock.System);
        _interval = interval ?? TimeSpan.FromSeconds(1);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(_interval, TimeSpan.Zero, nameof(interval));
        _began = _clock.Now;
        for (int i = 0; i < sensors.Temperatures.Count && i < MostTemperatures; i++)
        {
            TemperatureSensor sensor = sensors.Temperatures[i];
            Add(new Track(sensor.Name, "temperature", "°C", sensor.Read));
        }

        foreach (EnergyCounter counter in sensors.Counters)
        {
            CounterPower power = new(counter, _clock);
            _powers.Add(power);
            Add(new Track(counter.Name, "power", "W", power.Read));
        }

        foreach (BatterySensor battery in sensors.Batteries)
        {
            // Read once a sample, by the first of its tracks. What charges the battery is not the device's power.
            BatteryState state = default;
            Add(new Track(battery.Name, "charge", "%", () => (state = battery.Read()).Share * 100));
            Add(new Track(battery.Name, "power", "W", () => state.Flow == BatteryFlow.Discharging ? state.Watts : null));
            Add(new Track(battery.Name, "temperature", "°C", () => state.Celsius));
        }

        foreach (ClockSensor sensor in sensors.Clocks) Add(new Track(sensor.Name, "clock", "MHz", sensor.Read));
        _whole = EnergyMeter.Begin(sensors, _clock, _gate);
    }

    /// <summary>Begins to sample from a thread of its own, until the log is disposed.</summary>
    public void Start()
    {
        if (_thread is not null) return;
        _thread = new Thread(Run) { IsBackground = true, Name = "Thomas sensors" };
        _thread.Start();
    }

    /// <summary>Takes a sample of everything, also of the meters that were given out.</summary>
    public void Sample()
    {
        lock (_gate)
        {
            SampleEnergy();
            double seconds = (_clock.Now - _began).TotalSeconds;
            foreach (Track track in _tracks) track.Sample(seconds);
            _lost.AddRange(_sensors.TakeLost());
            if (++_samples < _most) return;
            foreach (Track track in _tracks) track.Thin();
            _samples = (_samples + 1) / 2;
            if (_interval < LongestInterval) _interval *= 2;
        }
    }

    /// <summary>Begins to measure the energy of a part of the run.</summary>
    public EnergyMeter BeginEnergy()
    {
        EnergyMeter meter = EnergyMeter.Begin(_sensors, _clock, _gate);
        lock (_gate) _meters.Add(new WeakReference<EnergyMeter>(meter));
        return meter;
    }

    /// <summary>What was recorded so far.</summary>
    /// <param name="paused">How long a guard has paused the run.</param>
    public SensorRecord ToRecord(TimeSpan paused = default)
    {
        lock (_gate)
        {
            EnergyReading energy = _whole.Read();
            List<SensorSeries> series = [];
            foreach (Track track in _tracks)
            {
                if (track.Values.Count > 0) series.Add(new SensorSeries(track.Name, track.Kind, track.Unit, [.. track.Seconds], [.. track.Values]));
            }

            List<string> absent = [.. _sensors.Absent];
            foreach (string name in _lost) absent.Add($"{name} could no longer be read during the run.");
            if (energy.Problem is string problem && !absent.Contains(problem)) absent.Add(problem);
            return new SensorRecord
            {
                Series = series,
                Absent = absent,
                Joules = energy.Joules,
                EnergySource = energy.Source,
                PausedSeconds = paused.TotalSeconds,
            };
        }
    }

    /// <summary>Ends the thread.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _end.Cancel();
        _thread?.Join();
        _end.Dispose();
    }

    private void Add(Track track)
    {
        if (_tracks.Count < MostSeries) _tracks.Add(track);
    }

    private void Run()
    {
        CancellationToken end = _end.Token;
        while (!end.IsCancellationRequested)
        {
            Sample();
            TimeSpan left;
            lock (_gate) left = _interval;
            while (!end.IsCancellationRequested)
            {
                TimeSpan step = left < MostBetweenCounts ? left : MostBetweenCounts;
                _clock.Wait(step, end);
                left -= step;
                if (left <= TimeSpan.Zero) break;
                SampleEnergy();
            }
        }
    }

    private void SampleEnergy()
    {
        lock (_gate)
        {
            foreach (CounterPower power in _powers) power.Count();
            _whole.Sample();
            _meters.RemoveAll(static meter => !meter.TryGetTarget(out _));
            foreach (WeakReference<EnergyMeter> reference in _meters)
            {
                if (reference.TryGetTarget(out EnergyMeter? meter)) meter.Sample();
            }
        }
    }

    /// <summary>The values of one sensor.</summary>
    private sealed class Track(string name, string kind, string unit, Func<double?> read)
    {
        public string Name => name;

        public string Kind => kind;

        public string Unit => unit;

        public List<double> Seconds { get; } = [];

        public List<double> Values { get; } = [];

        public void Sample(double seconds)
        {
            if (read() is not double value) return;
            Seconds.Add(seconds);
            Values.Add(value);
        }

        /// <summary>Joins neighbors: power and clock to their mean, temperatures to the higher, charge to the later.</summary>
        public void Thin()
        {
            int count = 0;
            for (int i = 0; i < Values.Count; i += 2)
            {
                int last = Math.Min(i + 1, Values.Count - 1);
                Values[count] = kind switch
                {
                    "temperature" => Math.Max(Values[i], Values[last]),
                    "charge" => Values[last],
                    _ => (Values[i] + Values[last]) / 2,
                };
                Seconds[count++] = Seconds[last];
            }

            Values.RemoveRange(count, Values.Count - count);
            Seconds.RemoveRange(count, Seconds.Count - count);
        }
    }

    /// <summary>The mean power from one sample to the next, as a counter says it.</summary>
    private sealed class CounterPower(EnergyCounter counter, SensorClock clock)
    {
        private long? _count;
        private TimeSpan _counted;
        private TimeSpan _read;
        private double _joules;

        /// <summary>Reads the counter.</summary>
        public void Count()
        {
            TimeSpan now = clock.Now;
            if (counter.Read() is not long count) return;
            if (_count is long before) _joules += counter.Joules(before, count);
            else _read = now;
            (_count, _counted) = (count, now);
        }

        /// <summary>The mean since the last call; null where nothing was counted since then.</summary>
        public double? Read()
        {
            double seconds = (_counted - _read).TotalSeconds;
            if (seconds <= 0) return null;
            double watts = _joules / seconds;
            (_joules, _read) = (0, _counted);
            return watts;
        }
    }
}
