using System;
using System.Collections.Generic;
using PickleDict = System.Collections.Generic.OrderedDictionary<string, object?>;

namespace Thomas.Formats.PyTorch;

/// <summary>
/// Finds the weights in what a training script saved: a dict of tensors, often wrapped with epoch and optimizer, a module, or several of them, of which one is
/// the moving average of the weights.
/// </summary>
internal sealed class TorchCheckpoint
{
    /// <summary>Keys of averaged weights; like timm, which they are taken from, they come first: averages are what such a run is evaluated with.</summary>
    private static readonly string[] Averages =
    [
        "state_dict_ema", "model_ema", "ema_state_dict", "model_ema_state_dict", "ema_model_state_dict", "ema_model", "params_ema", "ema", "averaged_model",
        "swa_state_dict",
    ];

    private static readonly string[] Plain =
    [
        "state_dict", "model_state_dict", "model_state", "model_weights", "model", "net", "network", "params", "weights", "module", "shadow",
        "net_state_dict", "best_state_dict", "best_model", "backbone", "encoder",
    ];

    private const int MaxWrappers = 4;
    private const int KeysInMessage = 8;
    private const int MaxDepth = 64;
    private const int MaxDicts = 4096;

    /// <summary>Entries that are looked at in all: a pickle may list one dict under any number of names.</summary>
    private const int MaxVisits = 4 * ModelLimits.PickleValues;

    private readonly string _file;
    private readonly List<string> _notes;
    private int _dicts, _modules, _visits;
    private long _nameChars;

    private TorchCheckpoint(string file, List<string> notes)
    {
        _file = file;
        _notes = notes;
    }

    /// <summary>The dict of tensors.</summary>
    /// <param name="root">What the file holds.</param>
    /// <param name="file">Name of the file, for messages.</param>
    /// <param name="entry">The key to take the weights from; null chooses.</param>
    /// <param name="notes">Receives what was chosen, where there was a choice.</param>
    /// <exception cref="ModelFormatException">There are no weights, or several that nothing tells apart.</exception>
    public static PickleDict Find(object? root, string file, string? entry, List<string> notes)
    {
        TorchCheckpoint checkpoint = new(file, notes);
        PickleDict dict = checkpoint.AsDict(root) ?? throw new ModelFormatException(
            file, "checkpoint", "it is not a dict of tensors; save the weights with torch.save(model.state_dict(), path)");
        if (entry is null) return checkpoint.Unwrap(dict, MaxWrappers) ?? throw checkpoint.NoTensors(dict);
        if (!dict.TryGetValue(entry, out object? value))
        {
            throw new ModelFormatException(file, "checkpoint", $"it has no entry '{entry}'; its keys are: {Keys(dict)}");
        }

        return (checkpoint.AsDict(value) is PickleDict named ? checkpoint.Unwrap(named, MaxWrappers) : null)
            ?? throw new ModelFormatException(file, "checkpoint", $"its entry '{entry}' holds no tensors with names");
    }

    /// <summary>The dict of tensors in or below a dict; null where there is none.</summary>
    private PickleDict? Unwrap(PickleDict dict, int wrappers)
    {
        if (++_dicts > MaxDicts) throw new ModelFormatException(_file, "checkpoint", $"it has more than {MaxDicts} dicts where weights may be");
        if (wrappers < 0) throw new ModelFormatException(_file, "checkpoint", $"the dict of tensors is wrapped more than {MaxWrappers} times");
        Weights? average = Below(dict, Averages, wrappers), plain = Below(dict, Plain, wrappers);
        if ((average ?? plain) is not Weights taken) return HasTensors(dict) ? dict : OnlyDict(dict);

        // An average of the trained weights alone lacks the running statistics.
        bool isPartial = average is not null && plain is not null && average.Dict.Count < plain.Dict.Count;
        if (isPartial) taken = plain!;
        string left = LeftOut(dict, taken.Key);
        if (average is not null || left.Length > 0)
        {
            string kind = isPartial ? $"; '{average!.Key}' has an average of only some of them" : average is not null ? ", an average over the training" : "";
            _notes.Add($"the weights are those under '{taken.Key}'{kind}{left}");
        }

        _notes.AddRange(taken.Notes);
        return taken.Dict;
    }

    /// <summary>Names the other entries that hold tensors; empty if there are none.</summary>
    private string LeftOut(PickleDict dict, string taken)
    {
        List<string> keys = [];
        foreach ((string key, object? value) in dict)
        {
            Visit();
            if (key != taken && AsDict(value) is PickleDict other && (HasTensors(other) || HasWrapped(other))) keys.Add($"'{key}'");
        }

        return keys.Count == 0 ? "" : $"; {Joined(keys)} {(keys.Count == 1 ? "was" : "were")} left out";
    }

    /// <summary>Whether tensors are under one of the usual keys.</summary>
    private bool HasWrapped(PickleDict dict)
    {
        foreach (string key in (string[])[.. Averages, .. Plain])
        {
            if (dict.TryGetValue(key, out object? value) && AsDict(value) is PickleDict inner && HasTensors(inner)) return true;
        }

        return false;
    }

    private Weights? Below(PickleDict dict, string[] keys, int wrappers)
    {
        foreach (string key in keys)
        {
            if (!dict.TryGetValue(key, out object? value) || AsDict(value) is not PickleDict wrapped) continue;

            // Notes of what is not taken in the end are not told.
            int before = _notes.Count;
            PickleDict? found = Unwrap(wrapped, wrappers - 1);
            List<string> notes = _notes[before..];
            _notes.RemoveRange(before, notes.Count);
            if (found is not null) return new Weights(key, found, notes);
        }

        return null;
    }

    /// <summary>The one entry, under a key of the script's own, that is a dict of tensors; the optimizer's state has no names.</summary>
    private PickleDict? OnlyDict(PickleDict dict)
    {
        List<string> keys = [];
        PickleDict? only = null;
        foreach ((string key, object? value) in dict)
        {
            Visit();
            if (AsDict(value) is not PickleDict inner || !HasTensors(inner)) continue;
            keys.Add($"'{key}'");
            only = inner;
        }

        if (keys.Count > 1)
        {
            throw new ModelFormatException(
                _file, "checkpoint", $"there are several dicts of tensors, under {Joined(keys)}; say which one to take (--weights-key)");
        }

        if (only is not null) _notes.Add($"the weights are those under {keys[0]}");
        return only;
    }

    private bool HasTensors(PickleDict dict)
    {
        foreach ((_, object? value) in dict)
        {
            Visit();
            if (value is TorchTensor) return true;
        }

        return false;
    }

    /// <summary>A dict as it is, and of a module its parameters and buffers by their names.</summary>
    private PickleDict? AsDict(object? value)
    {
        if (value is PickleDict dict) return dict;
        if (value is not PickleObject { State: PickleDict state } module || !state.ContainsKey("_modules")) return null;
        PickleDict tensors = [];
        AddModule(tensors, module, "", 0);
        return tensors;
    }

    /// <summary>
    /// The pickle may hold modules that contain themselves, and one module under many names: depth, modules, tensors and the length of their names are bounded.
    /// </summary>
    private void AddModule(PickleDict tensors, PickleObject module, string prefix, int depth)
    {
        if (depth == MaxDepth || ++_modules > ModelLimits.WeightTensors)
        {
            throw new ModelFormatException(_file, "checkpoint", "its modules are nested too deeply or are too many");
        }

        if (module.State is not PickleDict state) return;
        foreach (string group in new[] { "_parameters", "_buffers" })
        {
            foreach ((string name, object? tensor) in state.GetValueOrDefault(group) as PickleDict ?? [])
            {
                Visit();
                if (tensor is not TorchTensor) continue;
                tensors[Name(prefix, name)] = tensor;
                if (tensors.Count > ModelLimits.WeightTensors)
                {
                    throw new ModelFormatException(_file, "checkpoint", $"its modules have more than {ModelLimits.WeightTensors} tensors");
                }
            }
        }

        foreach ((string name, object? child) in state.GetValueOrDefault("_modules") as PickleDict ?? [])
        {
            Visit();
            if (child is PickleObject inner) AddModule(tensors, inner, Name(prefix, name) + ".", depth + 1);
        }
    }

    /// <summary>The name of a part of a module.</summary>
    private string Name(string prefix, string name)
    {
        _nameChars += prefix.Length + name.Length;
        if (_nameChars > ModelLimits.WeightHeaderBytes)
        {
            throw new ModelFormatException(
                _file, "checkpoint", $"the names of its modules and their tensors have more than {ModelLimits.WeightHeaderBytes} characters");
        }

        return prefix + name;
    }

    private void Visit()
    {
        if (++_visits > MaxVisits) throw new ModelFormatException(_file, "checkpoint", $"more than {MaxVisits} entries would have to be looked at");
    }

    private sealed record Weights(string Key, PickleDict Dict, List<string> Notes);

    private ModelFormatException NoTensors(PickleDict dict) => new(
        _file, "checkpoint", $"the dict holds no tensors, not even under {string.Join(", ", Plain[..6])} or the like; its keys are: {Keys(dict)}");

    private static string Keys(PickleDict dict)
    {
        List<string> keys = [];
        for (int i = 0; i < dict.Count; i++) keys.Add($"'{dict.GetAt(i).Key}'");
        return keys.Count == 0 ? "none" : Joined(keys);
    }

    private static string Joined(List<string> keys) =>
        string.Join(", ", keys.GetRange(0, Math.Min(keys.Count, KeysInMessage))) + (keys.Count > KeysInMessage ? $", {keys.Count - KeysInMessage} more" : "");
}
