using System;
using System.Collections.Generic;
using System.Globalization;
using System.Net.Http;
using System.Text;
using System.Text.Json;
using System.Threading.Tasks;
using Thomas.Runtime;
using Thomas.Studio;
using Thomas.Tests.Data;
using Thomas.Tests.Harness;
using Thomas.Tests.Training;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Studio;

/// <summary>A studio on a free port, with a folder that lives as long as the test, and a client that has the token.</summary>
internal sealed class StudioFixture : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly TemporaryFolder? _owned;

    private StudioFixture(StudioServer server, TemporaryFolder? owned)
    {
        (Server, _owned) = (server, owned);
        Client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, UseProxy = false })
        {
            BaseAddress = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{server.Port}/")),
            Timeout = Patience,
        };
        Client.DefaultRequestHeaders.Add("X-Thomas-Token", server.Token);
    }

    public StudioServer Server { get; }

    public HttpClient Client { get; }

    public string Folder => Server.Home.Folder;

    public static StudioSettings Settings(string folder) => new()
    {
        Folder = folder,
        Port = 0,
        Compile = new CompileOptions { Threads = 1 },
        Head = TrainerOptions.LastLayer with { Epochs = 20 },
        StarterDigits = 200,
        MakesStarter = false,
        TrainAfter = TimeSpan.FromMilliseconds(20),
        TrainEvery = TimeSpan.FromMilliseconds(100),
    };

    /// <param name="change">Changes the settings.</param>
    /// <param name="folder">A folder that outlives the studio; null for one of its own.</param>
    public static async Task<StudioFixture> Start(Func<StudioSettings, StudioSettings>? change = null, TemporaryFolder? folder = null)
    {
        TemporaryFolder? owned = folder is null ? new TemporaryFolder() : null;
        StudioSettings settings = Settings((folder ?? owned)!["studio"]);
        return new StudioFixture(await StudioServer.Start(change?.Invoke(settings) ?? settings), owned);
    }

    /// <summary>Sends a request, and checks that it is answered as the page expects.</summary>
    public async Task<JsonElement> Send(string method, string path, object? body = null, int status = 200)
    {
        using HttpResponseMessage answer = await Raw(method, path, body);
        string text = await answer.Content.ReadAsStringAsync();
        Assert.True((int)answer.StatusCode == status, $"{method} {path}: {(int)answer.StatusCode} {text}");
        return text.Length == 0 ? default : JsonDocument.Parse(text).RootElement;
    }

    /// <summary>Sends a request that is refused.</summary>
    /// <returns>The code of the error.</returns>
    public async Task<string> Fails(string method, string path, object? body, int status)
    {
        JsonElement error = (await Send(method, path, body, status)).GetProperty("error");
        Assert.False(string.IsNullOrWhiteSpace(error.GetProperty("message").GetString()));
        return error.GetProperty("code").GetString()!;
    }

    /// <summary>Sends a request; text is sent as JSON, bytes as they are.</summary>
    public Task<HttpResponseMessage> Raw(string method, string path, object? body = null)
    {
        HttpRequestMessage request = new(new HttpMethod(method), "api/" + path);
        if (body is string json) request.Content = new StringContent(json, Encoding.UTF8, "application/json");
        else if (body is byte[] bytes) request.Content = new ByteArrayContent(bytes);
        return Client.SendAsync(request);
    }

    /// <summary>Imports a small network that knows colors.</summary>
    /// <returns>Its id.</returns>
    public async Task<string> ImportModel(TinyModels.HeadStyle style = TinyModels.HeadStyle.DenseSoftmax, IReadOnlyList<string>? labels = null)
    {
        using System.IO.MemoryStream file = new();
        TinyModels.Create(style, labels: labels).Save(file, ModelFormat.Onnx);
        return (await Send("POST", "models?name=tiny.onnx", file.ToArray())).GetProperty("id").GetString()!;
    }

    /// <summary>Makes a project with that network.</summary>
    /// <returns>Its id.</returns>
    public async Task<string> NewProject(string name = "colors")
    {
        string model = await ImportModel();
        return (await Send("POST", "projects", $$"""{"name": "{{name}}", "model": "{{model}}"}""")).GetProperty("id").GetString()!;
    }

    /// <summary>An encoded image of a color.</summary>
    public static byte[] Picture(int color, ulong seed) => Images.Encode(SessionJob.Image(color, new Rng(seed)));

    /// <summary>Adds an image.</summary>
    /// <returns>Its number.</returns>
    public async Task<long> Add(string project, int color, ulong seed)
    {
        JsonElement added = await Send("POST", $"projects/{project}/images?class={SessionJob.Colors[color]}", Picture(color, seed));
        return added.GetProperty("item").GetProperty("id").GetInt64();
    }

    /// <summary>Adds so many images of each of the first colors.</summary>
    public async Task Fill(string project, int perClass, int classes = 2)
    {
        for (int i = 0; i < perClass; i++)
        {
            for (int c = 0; c < classes; c++) await Add(project, c, (ulong)((i * classes) + c));
        }
    }

    /// <summary>Waits until the state of a project is as wanted.</summary>
    public async Task<JsonElement> Until(string project, Func<JsonElement, bool> wanted)
    {
        DateTime end = DateTime.UtcNow + Patience;
        while (true)
        {
            JsonElement state = await Send("GET", $"projects/{project}");
            if (wanted(state)) return state;
            Assert.True(DateTime.UtcNow < end, state.ToString());
            await Task.Delay(20);
        }
    }

    /// <summary>Waits until the head knows all images.</summary>
    public Task<JsonElement> UntilTrained(string project) => Until(project, state =>
    {
        JsonElement head = state.GetProperty("head");
        return head.GetProperty("isTrained").GetBoolean() && !head.GetProperty("isStale").GetBoolean();
    });

    /// <summary>Waits until the run has a status.</summary>
    public async Task<JsonElement> UntilRun(string project, params string[] statuses) =>
        (await Until(project, state => state.TryGetProperty("run", out JsonElement run) && Array.IndexOf(statuses, run.GetProperty("status").GetString()) >= 0))
        .GetProperty("run");

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await Server.DisposeAsync();
        _owned?.Dispose();
    }
}
