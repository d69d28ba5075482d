# The only screen: the program's page, or what the program said when it ended.
.class public final Lorg/thomas/studio/Main;
.super Landroid/app/Activity;
.implements Landroid/os/Handler$Callback;

# Where everything is kept: no other app can read it, and no backup holds it.
.field folder:Ljava/io/File;

# Brings messages to the thread of the screen: 0 looks for the ready file, 1 has a program that ended, 2 the text to show for a moment.
.field screen:Landroid/os/Handler;

.field private battery:Lorg/thomas/studio/Battery;
.field private program:Lorg/thomas/studio/Program;

# The page, if one is shown; its host with the port; its address with the token.
.field private web:Landroid/webkit/WebView;
.field private host:Ljava/lang/String;
.field private address:Ljava/lang/String;

# What the page waits for: files, the camera; and the file that is about to be saved.
.field private chosen:Landroid/webkit/ValueCallback;
.field private asked:Landroid/webkit/PermissionRequest;
.field private export:Ljava/io/File;

.method public constructor <init>()V
    .registers 1
    invoke-direct {p0}, Landroid/app/Activity;-><init>()V
    return-void
.end method

# --- start and end -----------------------------------------------------------------------------------------------------------

.method protected onCreate(Landroid/os/Bundle;)V
    .registers 6
    invoke-super {p0, p1}, Landroid/app/Activity;->onCreate(Landroid/os/Bundle;)V
    invoke-virtual {p0}, Lorg/thomas/studio/Main;->getNoBackupFilesDir()Ljava/io/File;
    move-result-object v0
    iput-object v0, p0, Lorg/thomas/studio/Main;->folder:Ljava/io/File;

    new-instance v1, Landroid/os/Handler;
    invoke-static {}, Landroid/os/Looper;->getMainLooper()Landroid/os/Looper;
    move-result-object v2
    invoke-direct {v1, v2, p0}, Landroid/os/Handler;-><init>(Landroid/os/Looper;Landroid/os/Handler$Callback;)V
    iput-object v1, p0, Lorg/thomas/studio/Main;->screen:Landroid/os/Handler;

    # Registering returns the last broadcast, so that the battery is known before the program starts.
    new-instance v1, Lorg/thomas/studio/Battery;
    invoke-direct {v1, v0}, Lorg/thomas/studio/Battery;-><init>(Ljava/io/File;)V
    iput-object v1, p0, Lorg/thomas/studio/Main;->battery:Lorg/thomas/studio/Battery;
    new-instance v2, Landroid/content/IntentFilter;
    const-string v3, "android.intent.action.BATTERY_CHANGED"
    invoke-direct {v2, v3}, Landroid/content/IntentFilter;-><init>(Ljava/lang/String;)V
    invoke-virtual {p0, v1, v2}, Lorg/thomas/studio/Main;->registerReceiver(Landroid/content/BroadcastReceiver;Landroid/content/IntentFilter;)Landroid/content/Intent;
    move-result-object v2
    invoke-virtual {v1, p0, v2}, Lorg/thomas/studio/Battery;->onReceive(Landroid/content/Context;Landroid/content/Intent;)V

    const/4 v0, 0x0
    invoke-virtual {p0, v0}, Lorg/thomas/studio/Main;->start(Landroid/view/View;)V
    return-void
.end method

# Also the button "Try again".
.method public start(Landroid/view/View;)V
    .registers 5
    sget v0, Lorg/thomas/studio/R;->layout_starting:I
    invoke-virtual {p0, v0}, Lorg/thomas/studio/Main;->setContentView(I)V
    invoke-direct {p0}, Lorg/thomas/studio/Main;->ready()Ljava/io/File;
    move-result-object v0
    invoke-virtual {v0}, Ljava/io/File;->delete()Z

    new-instance v0, Lorg/thomas/studio/Program;
    invoke-direct {v0, p0}, Lorg/thomas/studio/Program;-><init>(Lorg/thomas/studio/Main;)V
    iput-object v0, p0, Lorg/thomas/studio/Main;->program:Lorg/thomas/studio/Program;
    new-instance v1, Ljava/lang/Thread;
    invoke-direct {v1, v0}, Ljava/lang/Thread;-><init>(Ljava/lang/Runnable;)V
    invoke-virtual {v1}, Ljava/lang/Thread;->start()V

    iget-object v0, p0, Lorg/thomas/studio/Main;->screen:Landroid/os/Handler;
    const/4 v1, 0x0
    invoke-virtual {v0, v1}, Landroid/os/Handler;->sendEmptyMessage(I)Z
    return-void
.end method

.method private ready()Ljava/io/File;
    .registers 4
    new-instance v0, Ljava/io/File;
    iget-object v1, p0, Lorg/thomas/studio/Main;->folder:Ljava/io/File;
    const-string v2, "ready.json"
    invoke-direct {v0, v1, v2}, Ljava/io/File;-><init>(Ljava/io/File;Ljava/lang/String;)V
    return-object v0
.end method

.method public handleMessage(Landroid/os/Message;)Z
    .registers 4
    iget v0, p1, Landroid/os/Message;->what:I
    packed-switch v0, :kinds

    :look
    invoke-direct {p0}, Lorg/thomas/studio/Main;->look()V
    goto :done

    :ended
    iget-object v0, p1, Landroid/os/Message;->obj:Ljava/lang/Object;
    iget-object v1, p0, Lorg/thomas/studio/Main;->program:Lorg/thomas/studio/Program;
    if-ne v0, v1, :done
    invoke-direct {p0}, Lorg/thomas/studio/Main;->ended()V
    goto :done

    :say
    iget v0, p1, Landroid/os/Message;->arg1:I
    const/4 v1, 0x1
    invoke-static {p0, v0, v1}, Landroid/widget/Toast;->makeText(Landroid/content/Context;II)Landroid/widget/Toast;
    move-result-object v0
    invoke-virtual {v0}, Landroid/widget/Toast;->show()V

    :done
    const/4 v0, 0x1
    return v0

    :kinds
    .packed-switch 0x0
        :look
        :ended
        :say
    .end packed-switch
.end method

# Opens the page once the program has written where it is. Until then, and if it wrote an error and is about to end, looks again soon.
.method private look()V
    .registers 6
    :try
    invoke-direct {p0}, Lorg/thomas/studio/Main;->ready()Ljava/io/File;
    move-result-object v0
    new-instance v1, Ljava/io/FileInputStream;
    invoke-direct {v1, v0}, Ljava/io/FileInputStream;-><init>(Ljava/io/File;)V
    invoke-static {v1}, Lorg/thomas/studio/Program;->read(Ljava/io/InputStream;)Ljava/lang/String;
    move-result-object v0
    new-instance v1, Lorg/json/JSONObject;
    invoke-direct {v1, v0}, Lorg/json/JSONObject;-><init>(Ljava/lang/String;)V

    new-instance v2, Ljava/lang/StringBuilder;
    const-string v0, "127.0.0.1:"
    invoke-direct {v2, v0}, Ljava/lang/StringBuilder;-><init>(Ljava/lang/String;)V
    const-string v0, "port"
    invoke-virtual {v1, v0}, Lorg/json/JSONObject;->getInt(Ljava/lang/String;)I
    move-result v0
    invoke-virtual {v2, v0}, Ljava/lang/StringBuilder;->append(I)Ljava/lang/StringBuilder;
    invoke-virtual {v2}, Ljava/lang/StringBuilder;->toString()Ljava/lang/String;
    move-result-object v3
    iput-object v3, p0, Lorg/thomas/studio/Main;->host:Ljava/lang/String;

    new-instance v2, Ljava/lang/StringBuilder;
    const-string v0, "http://"
    invoke-direct {v2, v0}, Ljava/lang/StringBuilder;-><init>(Ljava/lang/String;)V
    invoke-virtual {v2, v3}, Ljava/lang/StringBuilder;->append(Ljava/lang/String;)Ljava/lang/StringBuilder;
    const-string v0, "/#token="
    invoke-virtual {v2, v0}, Ljava/lang/StringBuilder;->append(Ljava/lang/String;)Ljava/lang/StringBuilder;
    const-string v0, "token"
    invoke-virtual {v1, v0}, Lorg/json/JSONObject;->getString(Ljava/lang/String;)Ljava/lang/String;
    move-result-object v0
    invoke-virtual {v2, v0}, Ljava/lang/StringBuilder;->append(Ljava/lang/String;)Ljava/lang/StringBuilder;
    invoke-virtual {v2}, Ljava/lang/StringBuilder;->toString()Ljava/lang/String;
    move-result-object v0
    iput-object v0, p0, Lorg/thomas/studio/Main;->address:Ljava/lang/String;
    :try_end
    .catch Ljava/io/IOException; {:try .. :try_end} :later
    .catch Lorg/json/JSONException; {:try .. :try_end} :later

    invoke-virtual {p0}, Lorg/thomas/studio/Main;->open()V
    return-void

    :later
    iget-object v0, p0, Lorg/thomas/studio/Main;->screen:Landroid/os/Handler;
    const/4 v1, 0x0
    const-wide/16 v2, 0x64
    invoke-virtual {v0, v1, v2, v3}, Landroid/os/Handler;->sendEmptyMessageDelayed(IJ)Z
    return-void
.end method

# Shows the page, in the place of one that lost its process.
.method open()V
    .registers 6
    iget-object v3, p0, Lorg/thomas/studio/Main;->web:Landroid/webkit/WebView;
    new-instance v0, Landroid/webkit/WebView;
    invoke-direct {v0, p0}, Landroid/webkit/WebView;-><init>(Landroid/content/Context;)V
    iput-object v0, p0, Lorg/thomas/studio/Main;->web:Landroid/webkit/WebView;

    invoke-virtual {v0}, Landroid/webkit/WebView;->getSettings()Landroid/webkit/WebSettings;
    move-result-object v1
    const/4 v2, 0x1
    invoke-virtual {v1, v2}, Landroid/webkit/WebSettings;->setJavaScriptEnabled(Z)V
    invoke-virtual {v1, v2}, Landroid/webkit/WebSettings;->setDomStorageEnabled(Z)V
    const/4 v2, 0x0
    invoke-virtual {v1, v2}, Landroid/webkit/WebSettings;->setAllowFileAccess(Z)V
    # The camera's picture is a video.
    invoke-virtual {v1, v2}, Landroid/webkit/WebSettings;->setMediaPlaybackRequiresUserGesture(Z)V
    # How the page knows that it is here.
    invoke-virtual {v1}, Landroid/webkit/WebSettings;->getUserAgentString()Ljava/lang/String;
    move-result-object v2
    const-string v4, " ThomasShell/1"
    invoke-virtual {v2, v4}, Ljava/lang/String;->concat(Ljava/lang/String;)Ljava/lang/String;
    move-result-object v2
    invoke-virtual {v1, v2}, Landroid/webkit/WebSettings;->setUserAgentString(Ljava/lang/String;)V

    new-instance v1, Lorg/thomas/studio/Page;
    invoke-direct {v1, p0}, Lorg/thomas/studio/Page;-><init>(Lorg/thomas/studio/Main;)V
    invoke-virtual {v0, v1}, Landroid/webkit/WebView;->setWebViewClient(Landroid/webkit/WebViewClient;)V
    new-instance v1, Lorg/thomas/studio/Wishes;
    invoke-direct {v1, p0}, Lorg/thomas/studio/Wishes;-><init>(Lorg/thomas/studio/Main;)V
    invoke-virtual {v0, v1}, Landroid/webkit/WebView;->setWebChromeClient(Landroid/webkit/WebChromeClient;)V

    invoke-virtual {p0, v0}, Lorg/thomas/studio/Main;->setContentView(Landroid/view/View;)V
    iget-object v1, p0, Lorg/thomas/studio/Main;->address:Ljava/lang/String;
    invoke-virtual {v0, v1}, Landroid/webkit/WebView;->loadUrl(Ljava/lang/String;)V
    if-eqz v3, :first
    invoke-virtual {v3}, Landroid/webkit/WebView;->destroy()V
    :first
    return-void
.end method

# The program has ended: leaves if it was asked to, else shows what it said.
.method private ended()V
    .registers 5
    iget-object v0, p0, Lorg/thomas/studio/Main;->screen:Landroid/os/Handler;
    const/4 v1, 0x0
    invoke-virtual {v0, v1}, Landroid/os/Handler;->removeMessages(I)V
    iget-object v2, p0, Lorg/thomas/studio/Main;->program:Lorg/thomas/studio/Program;
    iget v0, v2, Lorg/thomas/studio/Program;->code:I
    if-nez v0, :show
    invoke-virtual {p0}, Lorg/thomas/studio/Main;->finish()V
    return-void

    :show
    sget v0, Lorg/thomas/studio/R;->layout_ended:I
    invoke-virtual {p0, v0}, Lorg/thomas/studio/Main;->setContentView(I)V
    sget v0, Lorg/thomas/studio/R;->id_log:I
    invoke-virtual {p0, v0}, Lorg/thomas/studio/Main;->findViewById(I)Landroid/view/View;
    move-result-object v0
    check-cast v0, Landroid/widget/TextView;
    iget-object v2, v2, Lorg/thomas/studio/Program;->said:Ljava/lang/String;
    invoke-virtual {v0, v2}, Landroid/widget/TextView;->setText(Ljava/lang/CharSequence;)V
    iget-object v0, p0, Lorg/thomas/studio/Main;->web:Landroid/webkit/WebView;
    if-eqz v0, :none
    iput-object v1, p0, Lorg/thomas/studio/Main;->web:Landroid/webkit/WebView;
    invoke-virtual {v0}, Landroid/webkit/WebView;->destroy()V
    :none
    return-void
.end method

.method protected onDestroy()V
    .registers 3
    iget-object v0, p0, Lorg/thomas/studio/Main;->screen:Landroid/os/Handler;
    const/4 v1, 0x0
    invoke-virtual {v0, v1}, Landroid/os/Handler;->removeCallbacksAndMessages(Ljava/lang/Object;)V
    iget-object v0, p0, Lorg/thomas/studio/Main;->battery:Lorg/thomas/studio/Battery;
    invoke-virtual {p0, v0}, Lorg/thomas/studio/Main;->unregisterReceiver(Landroid/content/BroadcastReceiver;)V
    iget-object v0, p0, Lorg/thomas/studio/Main;->program:Lorg/thomas/studio/Program;
    iput-object v1, p0, Lorg/thomas/studio/Main;->program:Lorg/thomas/studio/Program;
    invoke-virtual {v0}, Lorg/thomas/studio/Program;->end()V
    iget-object v0, p0, Lorg/thomas/studio/Main;->web:Landroid/webkit/WebView;
    if-eqz v0, :none
    invoke-virtual {v0}, Landroid/webkit/WebView;->destroy()V
    :none
    invoke-super {p0}, Landroid/app/Activity;->onDestroy()V
    return-void
.end method

.method public onBackPressed()V
    .registers 3
    iget-object v0, p0, Lorg/thomas/studio/Main;->web:Landroid/webkit/WebView;
    if-eqz v0, :leave
    invoke-virtual {v0}, Landroid/webkit/WebView;->canGoBack()Z
    move-result v1
    if-eqz v1, :leave
    invoke-virtual {v0}, Landroid/webkit/WebView;->goBack()V
    return-void
    :leave
    invoke-super {p0}, Landroid/app/Activity;->onBackPressed()V
    return-void
.end method

# --- what the page may do ----------------------------------------------------------------------------------------------------

# Whether an address is the program's.
.method isOwn(Landroid/net/Uri;)Z
    .registers 4
    invoke-virtual {p1}, Landroid/net/Uri;->getScheme()Ljava/lang/String;
    move-result-object v0
    const-string v1, "http"
    invoke-virtual {v1, v0}, Ljava/lang/String;->equals(Ljava/lang/Object;)Z
    move-result v0
    if-eqz v0, :no
    invoke-virtual {p1}, Landroid/net/Uri;->getAuthority()Ljava/lang/String;
    move-result-object v0
    iget-object v1, p0, Lorg/thomas/studio/Main;->host:Ljava/lang/String;
    invoke-virtual {v1, v0}, Ljava/lang/String;->equals(Ljava/lang/Object;)Z
    move-result v0
    :no
    return v0
.end method

# The camera, if the user lets Android give it.
.method camera(Landroid/webkit/PermissionRequest;)V
    .registers 5
    iget-object v0, p0, Lorg/thomas/studio/Main;->asked:Landroid/webkit/PermissionRequest;
    if-eqz v0, :alone
    invoke-virtual {v0}, Landroid/webkit/PermissionRequest;->deny()V
    :alone
    iput-object p1, p0, Lorg/thomas/studio/Main;->asked:Landroid/webkit/PermissionRequest;
    const-string v2, "android.permission.CAMERA"
    invoke-virtual {p0, v2}, Lorg/thomas/studio/Main;->checkSelfPermission(Ljava/lang/String;)I
    move-result v0
    if-nez v0, :ask
    invoke-direct {p0}, Lorg/thomas/studio/Main;->answer()V
    return-void
    :ask
    const/4 v0, 0x1
    new-array v0, v0, [Ljava/lang/String;
    const/4 v1, 0x0
    aput-object v2, v0, v1
    invoke-virtual {p0, v0, v1}, Lorg/thomas/studio/Main;->requestPermissions([Ljava/lang/String;I)V
    return-void
.end method

.method public onRequestPermissionsResult(I[Ljava/lang/String;[I)V
    .registers 4
    invoke-direct {p0}, Lorg/thomas/studio/Main;->answer()V
    return-void
.end method

# The camera for the program's own page. If it asked for more, the answer to all of it is no.
.method private answer()V
    .registers 5
    iget-object v0, p0, Lorg/thomas/studio/Main;->asked:Landroid/webkit/PermissionRequest;
    if-eqz v0, :done
    const/4 v1, 0x0
    iput-object v1, p0, Lorg/thomas/studio/Main;->asked:Landroid/webkit/PermissionRequest;
    invoke-virtual {v0}, Landroid/webkit/PermissionRequest;->getOrigin()Landroid/net/Uri;
    move-result-object v1
    invoke-virtual {p0, v1}, Lorg/thomas/studio/Main;->isOwn(Landroid/net/Uri;)Z
    move-result v1
    if-eqz v1, :deny
    const-string v1, "android.permission.CAMERA"
    invoke-virtual {p0, v1}, Lorg/thomas/studio/Main;->checkSelfPermission(Ljava/lang/String;)I
    move-result v1
    if-nez v1, :deny
    const/4 v1, 0x1
    new-array v1, v1, [Ljava/lang/String;
    const/4 v2, 0x0
    const-string v3, "android.webkit.resource.VIDEO_CAPTURE"
    aput-object v3, v1, v2
    invoke-virtual {v0, v1}, Landroid/webkit/PermissionRequest;->grant([Ljava/lang/String;)V
    return-void
    :deny
    invoke-virtual {v0}, Landroid/webkit/PermissionRequest;->deny()V
    :done
    return-void
.end method

# Lets the user choose files for the page. Android knows no type for models, so whatever is no image is any file.
.method choose(Landroid/webkit/ValueCallback;Landroid/webkit/WebChromeClient$FileChooserParams;)Z
    .registers 8
    iget-object v0, p0, Lorg/thomas/studio/Main;->chosen:Landroid/webkit/ValueCallback;
    const/4 v4, 0x0
    if-eqz v0, :alone
    invoke-interface {v0, v4}, Landroid/webkit/ValueCallback;->onReceiveValue(Ljava/lang/Object;)V
    :alone
    iput-object p1, p0, Lorg/thomas/studio/Main;->chosen:Landroid/webkit/ValueCallback;

    const-string v0, "*/*"
    invoke-virtual {p2}, Landroid/webkit/WebChromeClient$FileChooserParams;->getAcceptTypes()[Ljava/lang/String;
    move-result-object v1
    array-length v2, v1
    if-eqz v2, :any
    const/4 v2, 0x0
    aget-object v1, v1, v2
    const-string v2, "image/"
    invoke-virtual {v1, v2}, Ljava/lang/String;->startsWith(Ljava/lang/String;)Z
    move-result v1
    if-eqz v1, :any
    const-string v0, "image/*"
    :any
    const-string v1, "android.intent.action.GET_CONTENT"
    invoke-static {v1, v0}, Lorg/thomas/studio/Main;->document(Ljava/lang/String;Ljava/lang/String;)Landroid/content/Intent;
    move-result-object v0
    invoke-virtual {p2}, Landroid/webkit/WebChromeClient$FileChooserParams;->getMode()I
    move-result v2
    const/4 v3, 0x1
    if-eq v2, v3, :several
    const/4 v2, 0x0
    :several
    const-string v1, "android.intent.extra.ALLOW_MULTIPLE"
    invoke-virtual {v0, v1, v2}, Landroid/content/Intent;->putExtra(Ljava/lang/String;Z)Landroid/content/Intent;

    const/4 v1, 0x0
    :try
    invoke-virtual {p0, v0, v1}, Lorg/thomas/studio/Main;->startActivityForResult(Landroid/content/Intent;I)V
    :try_end
    .catch Landroid/content/ActivityNotFoundException; {:try .. :try_end} :nothing
    return v3

    :nothing
    iput-object v4, p0, Lorg/thomas/studio/Main;->chosen:Landroid/webkit/ValueCallback;
    return v1
.end method

# Asks where to save a file that the program has kept: thomas://save/PROJECT/FILE. Neither part can lead out of the projects.
.method save(Landroid/net/Uri;)V
    .registers 7
    invoke-virtual {p1}, Landroid/net/Uri;->getPathSegments()Ljava/util/List;
    move-result-object v0
    invoke-interface {v0}, Ljava/util/List;->size()I
    move-result v1
    const/4 v2, 0x2
    if-ne v1, v2, :done
    const/4 v1, 0x1
    invoke-static {v0, v1}, Lorg/thomas/studio/Main;->name(Ljava/util/List;I)Ljava/lang/String;
    move-result-object v2
    const/4 v1, 0x0
    invoke-static {v0, v1}, Lorg/thomas/studio/Main;->name(Ljava/util/List;I)Ljava/lang/String;
    move-result-object v1

    new-instance v0, Ljava/lang/StringBuilder;
    const-string v3, "studio/projects/"
    invoke-direct {v0, v3}, Ljava/lang/StringBuilder;-><init>(Ljava/lang/String;)V
    invoke-virtual {v0, v1}, Ljava/lang/StringBuilder;->append(Ljava/lang/String;)Ljava/lang/StringBuilder;
    const-string v3, "/exports/"
    invoke-virtual {v0, v3}, Ljava/lang/StringBuilder;->append(Ljava/lang/String;)Ljava/lang/StringBuilder;
    invoke-virtual {v0, v2}, Ljava/lang/StringBuilder;->append(Ljava/lang/String;)Ljava/lang/StringBuilder;
    invoke-virtual {v0}, Ljava/lang/StringBuilder;->toString()Ljava/lang/String;
    move-result-object v0
    new-instance v1, Ljava/io/File;
    iget-object v3, p0, Lorg/thomas/studio/Main;->folder:Ljava/io/File;
    invoke-direct {v1, v3, v0}, Ljava/io/File;-><init>(Ljava/io/File;Ljava/lang/String;)V
    iput-object v1, p0, Lorg/thomas/studio/Main;->export:Ljava/io/File;

    const-string v0, "android.intent.action.CREATE_DOCUMENT"
    const-string v1, "application/octet-stream"
    invoke-static {v0, v1}, Lorg/thomas/studio/Main;->document(Ljava/lang/String;Ljava/lang/String;)Landroid/content/Intent;
    move-result-object v0
    const-string v1, "android.intent.extra.TITLE"
    invoke-virtual {v0, v1, v2}, Landroid/content/Intent;->putExtra(Ljava/lang/String;Ljava/lang/String;)Landroid/content/Intent;
    const/4 v1, 0x1
    :try
    invoke-virtual {p0, v0, v1}, Lorg/thomas/studio/Main;->startActivityForResult(Landroid/content/Intent;I)V
    :try_end
    .catch Landroid/content/ActivityNotFoundException; {:try .. :try_end} :nothing
    :done
    return-void

    :nothing
    sget v0, Lorg/thomas/studio/R;->string_not_saved:I
    invoke-virtual {p0, v0}, Lorg/thomas/studio/Main;->say(I)V
    return-void
.end method

# Shows a text for a moment; from any thread.
.method say(I)V
    .registers 5
    iget-object v0, p0, Lorg/thomas/studio/Main;->screen:Landroid/os/Handler;
    const/4 v1, 0x2
    const/4 v2, 0x0
    invoke-virtual {v0, v1, p1, v2}, Landroid/os/Handler;->obtainMessage(III)Landroid/os/Message;
    move-result-object v0
    invoke-virtual {v0}, Landroid/os/Message;->sendToTarget()V
    return-void
.end method

# A part of a path without any folder.
.method private static name(Ljava/util/List;I)Ljava/lang/String;
    .registers 4
    invoke-interface {p0, p1}, Ljava/util/List;->get(I)Ljava/lang/Object;
    move-result-object v0
    check-cast v0, Ljava/lang/String;
    new-instance v1, Ljava/io/File;
    invoke-direct {v1, v0}, Ljava/io/File;-><init>(Ljava/lang/String;)V
    invoke-virtual {v1}, Ljava/io/File;->getName()Ljava/lang/String;
    move-result-object v0
    return-object v0
.end method

.method private static document(Ljava/lang/String;Ljava/lang/String;)Landroid/content/Intent;
    .registers 4
    new-instance v0, Landroid/content/Intent;
    invoke-direct {v0, p0}, Landroid/content/Intent;-><init>(Ljava/lang/String;)V
    const-string v1, "android.intent.category.OPENABLE"
    invoke-virtual {v0, v1}, Landroid/content/Intent;->addCategory(Ljava/lang/String;)Landroid/content/Intent;
    invoke-virtual {v0, p1}, Landroid/content/Intent;->setType(Ljava/lang/String;)Landroid/content/Intent;
    return-object v0
.end method

# What the user chose: 0 files for the page, 1 where to save.
.method protected onActivityResult(IILandroid/content/Intent;)V
    .registers 8
    const/4 v0, 0x0
    const/4 v1, -0x1
    if-ne p2, v1, :canceled
    if-eqz p3, :canceled
    invoke-static {p3}, Lorg/thomas/studio/Main;->addresses(Landroid/content/Intent;)[Landroid/net/Uri;
    move-result-object v0
    :canceled
    if-nez p1, :save

    iget-object v1, p0, Lorg/thomas/studio/Main;->chosen:Landroid/webkit/ValueCallback;
    if-eqz v1, :done
    const/4 v2, 0x0
    iput-object v2, p0, Lorg/thomas/studio/Main;->chosen:Landroid/webkit/ValueCallback;
    invoke-interface {v1, v0}, Landroid/webkit/ValueCallback;->onReceiveValue(Ljava/lang/Object;)V
    return-void

    :save
    if-eqz v0, :done
    const/4 v1, 0x0
    aget-object v0, v0, v1
    new-instance v1, Lorg/thomas/studio/Copy;
    iget-object v2, p0, Lorg/thomas/studio/Main;->export:Ljava/io/File;
    invoke-direct {v1, p0, v2, v0}, Lorg/thomas/studio/Copy;-><init>(Lorg/thomas/studio/Main;Ljava/io/File;Landroid/net/Uri;)V
    new-instance v0, Ljava/lang/Thread;
    invoke-direct {v0, v1}, Ljava/lang/Thread;-><init>(Ljava/lang/Runnable;)V
    invoke-virtual {v0}, Ljava/lang/Thread;->start()V
    :done
    return-void
.end method

# One address stands in the answer itself, several in its clip; null if there is none.
.method private static addresses(Landroid/content/Intent;)[Landroid/net/Uri;
    .registers 6
    invoke-virtual {p0}, Landroid/content/Intent;->getClipData()Landroid/content/ClipData;
    move-result-object v0
    const/4 v2, 0x0
    if-nez v0, :clip
    invoke-virtual {p0}, Landroid/content/Intent;->getData()Landroid/net/Uri;
    move-result-object v0
    if-eqz v0, :none
    const/4 v1, 0x1
    new-array v1, v1, [Landroid/net/Uri;
    aput-object v0, v1, v2
    return-object v1
    :none
    const/4 v1, 0x0
    return-object v1

    :clip
    invoke-virtual {v0}, Landroid/content/ClipData;->getItemCount()I
    move-result v3
    new-array v1, v3, [Landroid/net/Uri;
    :next
    if-ge v2, v3, :all
    invoke-virtual {v0, v2}, Landroid/content/ClipData;->getItemAt(I)Landroid/content/ClipData$Item;
    move-result-object v4
    invoke-virtual {v4}, Landroid/content/ClipData$Item;->getUri()Landroid/net/Uri;
    move-result-object v4
    aput-object v4, v1, v2
    add-int/lit8 v2, v2, 0x1
    goto :next
    :all
    return-object v1
.end method
