# Keeps the page at home.
.class final Lorg/thomas/studio/Page;
.super Landroid/webkit/WebViewClient;

.field private final main:Lorg/thomas/studio/Main;

.method constructor <init>(Lorg/thomas/studio/Main;)V
    .registers 2
    invoke-direct {p0}, Landroid/webkit/WebViewClient;-><init>()V
    iput-object p1, p0, Lorg/thomas/studio/Page;->main:Lorg/thomas/studio/Main;
    return-void
.end method

# Loads the program's own addresses only. https opens in the browser, thomas saves a file, and all others are refused.
.method public shouldOverrideUrlLoading(Landroid/webkit/WebView;Landroid/webkit/WebResourceRequest;)Z
    .registers 7
    iget-object v0, p0, Lorg/thomas/studio/Page;->main:Lorg/thomas/studio/Main;
    invoke-interface {p2}, Landroid/webkit/WebResourceRequest;->getUrl()Landroid/net/Uri;
    move-result-object v1
    invoke-virtual {v0, v1}, Lorg/thomas/studio/Main;->isOwn(Landroid/net/Uri;)Z
    move-result v2
    if-nez v2, :own

    invoke-virtual {v1}, Landroid/net/Uri;->getScheme()Ljava/lang/String;
    move-result-object v2
    const-string v3, "thomas"
    invoke-virtual {v3, v2}, Ljava/lang/String;->equals(Ljava/lang/Object;)Z
    move-result v3
    if-eqz v3, :browse
    invoke-virtual {v0, v1}, Lorg/thomas/studio/Main;->save(Landroid/net/Uri;)V
    goto :handled

    :browse
    const-string v3, "https"
    invoke-virtual {v3, v2}, Ljava/lang/String;->equals(Ljava/lang/Object;)Z
    move-result v3
    if-eqz v3, :handled
    new-instance v2, Landroid/content/Intent;
    const-string v3, "android.intent.action.VIEW"
    invoke-direct {v2, v3, v1}, Landroid/content/Intent;-><init>(Ljava/lang/String;Landroid/net/Uri;)V
    :try
    invoke-virtual {v0, v2}, Lorg/thomas/studio/Main;->startActivity(Landroid/content/Intent;)V
    :try_end
    .catch Landroid/content/ActivityNotFoundException; {:try .. :try_end} :handled

    :handled
    const/4 v0, 0x1
    return v0

    :own
    const/4 v0, 0x0
    return v0
.end method

# Android may end the page's process when memory is short; the program goes on.
.method public onRenderProcessGone(Landroid/webkit/WebView;Landroid/webkit/RenderProcessGoneDetail;)Z
    .registers 4
    iget-object v0, p0, Lorg/thomas/studio/Page;->main:Lorg/thomas/studio/Main;
    invoke-virtual {v0}, Lorg/thomas/studio/Main;->open()V
    const/4 v0, 0x1
    return v0
.end method
