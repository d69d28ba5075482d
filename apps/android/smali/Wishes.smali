# What the page asks of the phone.
.class final Lorg/thomas/studio/Wishes;
.super Landroid/webkit/WebChromeClient;

.field private final main:Lorg/thomas/studio/Main;

.method constructor <init>(Lorg/thomas/studio/Main;)V
    .registers 2
    invoke-direct {p0}, Landroid/webkit/WebChromeClient;-><init>()V
    iput-object p1, p0, Lorg/thomas/studio/Wishes;->main:Lorg/thomas/studio/Main;
    return-void
.end method

# The screen stays on while the title says that a run is under way.
.method public onReceivedTitle(Landroid/webkit/WebView;Ljava/lang/String;)V
    .registers 4
    const-string v0, "\u25b6"
    invoke-virtual {p2, v0}, Ljava/lang/String;->startsWith(Ljava/lang/String;)Z
    move-result v0
    invoke-virtual {p1, v0}, Landroid/webkit/WebView;->setKeepScreenOn(Z)V
    return-void
.end method

.method public onPermissionRequest(Landroid/webkit/PermissionRequest;)V
    .registers 3
    iget-object v0, p0, Lorg/thomas/studio/Wishes;->main:Lorg/thomas/studio/Main;
    invoke-virtual {v0, p1}, Lorg/thomas/studio/Main;->camera(Landroid/webkit/PermissionRequest;)V
    return-void
.end method

.method public onShowFileChooser(Landroid/webkit/WebView;Landroid/webkit/ValueCallback;Landroid/webkit/WebChromeClient$FileChooserParams;)Z
    .registers 5
    iget-object v0, p0, Lorg/thomas/studio/Wishes;->main:Lorg/thomas/studio/Main;
    invoke-virtual {v0, p2, p3}, Lorg/thomas/studio/Main;->choose(Landroid/webkit/ValueCallback;Landroid/webkit/WebChromeClient$FileChooserParams;)Z
    move-result v0
    return v0
.end method
