// What samples/Personalise's app uses of MAUI and Android, so that its code is compiled and run here, where their packages are not. Names and types are those
// of their public documentation; what they do is as little as the tests need.
using System;
using System.Collections.Generic;
using System.IO;
using System.Threading.Tasks;

#pragma warning disable SA1402, CA1711, CA1716, CA1724, CA1822, IDE0060

namespace Microsoft.Maui
{
    public interface IActivationState;

    public class MauiAppCompatActivity;

    public abstract class MauiApplication(IntPtr handle, Android.Runtime.JniHandleOwnership ownership)
    {
        public (IntPtr Handle, Android.Runtime.JniHandleOwnership Ownership) Given => (handle, ownership);

        public Hosting.MauiApp Start() => CreateMauiApp();

        protected abstract Hosting.MauiApp CreateMauiApp();
    }
}

namespace Microsoft.Maui.Hosting
{
    public sealed class MauiApp
    {
        public Type? App { get; init; }

        public static MauiAppBuilder CreateBuilder() => new();
    }

    public sealed class MauiAppBuilder
    {
        public Type? App { get; set; }

        public MauiApp Build() => new() { App = App };
    }
}

namespace Microsoft.Maui.Controls.Hosting
{
    public static class AppHostBuilderExtensions
    {
        public static Maui.Hosting.MauiAppBuilder UseMauiApp<TApp>(this Maui.Hosting.MauiAppBuilder builder)
            where TApp : Application
        {
            builder.App = typeof(TApp);
            return builder;
        }
    }
}

namespace Microsoft.Maui.Controls
{
    public abstract class Application
    {
        public Window Open() => CreateWindow(null);

        protected abstract Window CreateWindow(IActivationState? activationState);
    }

    public sealed class Window(Page page)
    {
        public Page Page => page;
    }

    public abstract class Page
    {
        public string Title { get; set; } = "";

        public void Appear() => OnAppearing();

        protected virtual void OnAppearing()
        {
        }
    }

    public class ContentPage : Page
    {
        public View? Content { get; set; }
    }

    public abstract class View
    {
        public bool IsEnabled { get; set; } = true;
    }

    public sealed class ScrollView : View
    {
        public View? Content { get; set; }
    }

    public sealed class VerticalStackLayout : View
    {
        public double Padding { get; set; }

        public double Spacing { get; set; }

        public IList<View> Children { get; } = [];
    }

    public sealed class Label : View
    {
        public string Text { get; set; } = "";

        public double FontSize { get; set; }
    }

    public sealed class Entry : View
    {
        private string _text = "";

        public event EventHandler<EventArgs>? TextChanged;

        public string Placeholder { get; set; } = "";

        public string Text
        {
            get => _text;
            set
            {
                _text = value;
                TextChanged?.Invoke(this, EventArgs.Empty);
            }
        }
    }

    public sealed class Button : View
    {
        public event EventHandler? Clicked;

        public string Text { get; set; } = "";

        public void Press() => Clicked?.Invoke(this, EventArgs.Empty);
    }
}

namespace Microsoft.Maui.Storage
{
    public sealed class FileResult(byte[] bytes)
    {
        public Task<Stream> OpenReadAsync() => Task.FromResult<Stream>(new MemoryStream(bytes));
    }

    public sealed class FileSystem
    {
        public static FileSystem Current { get; } = new();

        public string AppDataDirectory { get; set; } = "";

        public string CacheDirectory { get; set; } = "";

        public byte[] Asset { get; set; } = [];

        public Task<Stream> OpenAppPackageFileAsync(string filename) => Task.FromResult<Stream>(new MemoryStream(Asset));
    }
}

namespace Microsoft.Maui.Media
{
    public sealed class MediaPicker
    {
        public static MediaPicker Default { get; } = new();

        public List<byte[]> Next { get; } = [];

        public Task<Storage.FileResult?> CapturePhotoAsync() => Task.FromResult(Next.Count == 0 ? null : new Storage.FileResult(Next[0]));

        public Task<List<Storage.FileResult>> PickPhotosAsync() => Task.FromResult(Next.ConvertAll(static bytes => new Storage.FileResult(bytes)));
    }
}

namespace Microsoft.Maui.ApplicationModel.DataTransfer
{
    public sealed class ShareFile(string fullPath)
    {
        public string FullPath => fullPath;
    }

    public sealed class ShareFileRequest(ShareFile file)
    {
        public ShareFile File => file;

        public string Title { get; set; } = "";
    }

    public sealed class Share
    {
        public static Share Default { get; } = new();

        public ShareFileRequest? Last { get; private set; }

        public Task RequestAsync(ShareFileRequest request)
        {
            Last = request;
            return Task.CompletedTask;
        }
    }
}

namespace Android.Runtime
{
    public enum JniHandleOwnership
    {
        DoNotTransfer,
    }
}

namespace Android.App
{
    [AttributeUsage(AttributeTargets.Class)]
    public sealed class ApplicationAttribute : Attribute;

    [AttributeUsage(AttributeTargets.Class)]
    public sealed class ActivityAttribute : Attribute
    {
        public bool MainLauncher { get; set; }

        public string Theme { get; set; } = "";

        public Content.PM.LaunchMode LaunchMode { get; set; }

        public Content.PM.ConfigChanges ConfigurationChanges { get; set; }
    }
}

namespace Android.Content.PM
{
    public enum LaunchMode
    {
        Multiple,
        SingleTop,
    }

    [Flags]
    public enum ConfigChanges
    {
        None = 0,
        Orientation = 128,
        ScreenLayout = 256,
        UiMode = 512,
        ScreenSize = 1024,
        SmallestScreenSize = 2048,
        Density = 4096,
    }
}
