/** Style sheets of the elements. Every value that a page may want to change is a custom property; docs/inbox-elements.md lists them. */

function sheet(text: string): CSSStyleSheet {
  // Without a DOM, nothing is shown.
  if (!globalThis.CSSStyleSheet) return undefined as unknown as CSSStyleSheet;
  const made = new CSSStyleSheet();
  made.replaceSync(text);
  return made;
}

export const SHARED: CSSStyleSheet = /* @__PURE__ */ sheet(`
:host{
--accent:var(--tidings-accent,light-dark(#1d4ed8,#93b4ff));
--accent-text:var(--tidings-accent-text,light-dark(#fff,#0b1220));
--bg:var(--tidings-background,light-dark(#fff,#1a1d23));
--hover:var(--tidings-hover,light-dark(#f3f5f9,#262a33));
--unread-bg:var(--tidings-unread-background,light-dark(#f5f8ff,#20283a));
--text:var(--tidings-text,light-dark(#1a1d23,#eef0f4));
--muted:var(--tidings-muted,light-dark(#555c69,#b0b7c3));
--border:var(--tidings-border,light-dark(#d9dde5,#3a404c));
--line:var(--tidings-control-border,light-dark(#767e8c,#8d95a3));
--focus:var(--tidings-focus,var(--accent));
--radius:var(--tidings-radius,10px);
--radius-small:var(--tidings-radius-small,6px);
--unit:calc(4px * var(--tidings-density,1));
--success:var(--tidings-success,light-dark(#15703a,#6fd394));
--warning:var(--tidings-warning,light-dark(#8a5200,#f2b661));
--critical:var(--tidings-critical,light-dark(#b3261e,#ff9c94));
--shadow:var(--tidings-shadow,0 8px 30px rgb(0 0 0 / .22));
font:var(--tidings-font-size,14px)/var(--tidings-line-height,1.45) var(--tidings-font,system-ui,sans-serif);
color:var(--text);text-align:start}
:host([hidden]){display:none}
*,*::before,*::after{box-sizing:border-box}
[hidden]{display:none!important}
button,select,input{font:inherit;color:inherit}
button{background:none;border:0;padding:calc(var(--unit)*1.5) calc(var(--unit)*2);min-block-size:28px;min-inline-size:28px;border-radius:var(--radius-small);cursor:pointer}
button:hover{background:var(--hover)}
button:disabled{cursor:not-allowed}
a{color:var(--accent)}
:focus{outline:none}
:focus-visible{outline:var(--tidings-focus-width,2px) solid var(--focus);outline-offset:2px}
svg{inline-size:20px;block-size:20px;fill:currentColor;display:block;flex:none}
.sign{font-weight:700;min-inline-size:20px;text-align:center}.success .sign{color:var(--success)}.warning .sign{color:var(--warning)}.critical .sign{color:var(--critical)}.toast .sign{font-size:1.2em}
.link{color:var(--accent);padding-inline:calc(var(--unit)*1);text-decoration:underline;text-underline-offset:2px}
.quiet{position:absolute;inline-size:1px;block-size:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.notice{padding:calc(var(--unit)*2) calc(var(--unit)*4);background:var(--hover);color:var(--text)}
.center{padding:calc(var(--unit)*8) calc(var(--unit)*4);text-align:center;color:var(--muted)}
@media (pointer:coarse){button{min-block-size:44px;min-inline-size:44px}}
@media (forced-colors:active){button{border:1px solid ButtonText}:focus-visible{outline-color:Highlight}}
`);

export const BELL: CSSStyleSheet = /* @__PURE__ */ sheet(`
:host{display:inline-block;position:relative}
.bell{inline-size:var(--tidings-bell-size,44px);block-size:var(--tidings-bell-size,44px);padding:0;display:grid;place-items:center;position:relative;border-radius:50%;color:var(--tidings-bell-color,inherit)}
.bell svg{inline-size:var(--tidings-bell-icon-size,24px);block-size:var(--tidings-bell-icon-size,24px)}
.badge{position:absolute;inset-block-start:2px;inset-inline-end:2px;min-inline-size:18px;block-size:18px;padding:0 5px;border-radius:9px;font-size:11px;line-height:18px;font-weight:700;text-align:center;
background:var(--tidings-badge-background,light-dark(#b3261e,#ff9c94));color:var(--tidings-badge-text,light-dark(#fff,#23110f));pointer-events:none}
.badge.dot{min-inline-size:10px;inline-size:10px;block-size:10px;padding:0;inset-block-start:8px;inset-inline-end:8px}
dialog{border:1px solid var(--border);border-radius:var(--radius);background:var(--bg);color:var(--text);box-shadow:var(--shadow);padding:0;margin:0;position:fixed;inset:auto;overflow:hidden;
inline-size:min(var(--tidings-panel-width,400px),calc(100vw - 12px));max-block-size:min(var(--tidings-panel-height,600px),calc(100dvh - 12px))}
dialog[open],dialog:popover-open{display:flex;flex-direction:column}
dialog:modal{inset:0;inline-size:100vw;max-inline-size:100vw;block-size:100dvh;max-block-size:100dvh;border:0;border-radius:0}
dialog::backdrop{background:rgb(0 0 0 / .4)}
dialog:popover-open::backdrop{background:none}
.close{position:absolute;inset-block-start:calc(var(--unit)*2);inset-inline-end:calc(var(--unit)*2);z-index:2;padding:4px;display:grid;place-items:center}
::slotted(tidings-inbox){flex:1;min-block-size:0;--tidings-own-close:40px}
.fallback{flex:1;min-block-size:0;--tidings-own-close:40px}
@media (prefers-reduced-motion:no-preference){dialog{animation:in .14s ease-out}@keyframes in{from{opacity:0;translate:0 -6px}}}
@media (forced-colors:active){.badge{border:1px solid CanvasText;forced-color-adjust:none;background:Highlight;color:HighlightText}}
`);

export const INBOX: CSSStyleSheet = /* @__PURE__ */ sheet(`
:host{display:flex;flex-direction:column;background:var(--bg);max-block-size:100%;min-inline-size:0;overflow:hidden}
section{display:flex;align-items:center;gap:calc(var(--unit)*2);padding:calc(var(--unit)*3) calc(var(--unit)*4);padding-inline-end:calc(var(--unit)*4 + var(--tidings-own-close,0px));flex-wrap:wrap}
h2{margin:0;font-size:1.2em;flex:1;min-inline-size:0;overflow-wrap:anywhere}
.tabs{display:flex;flex-wrap:wrap;gap:calc(var(--unit));padding:0 calc(var(--unit)*3);border-block-end:1px solid var(--border)}
.tabs button{border-radius:var(--radius-small) var(--radius-small) 0 0;color:var(--muted);border-block-end:3px solid transparent}
.tabs button[aria-selected=true]{color:var(--text);font-weight:600;border-block-end-color:var(--accent)}
.scroll{overflow:auto;overscroll-behavior:contain;flex:1;min-block-size:0;position:relative}
article{position:relative;display:grid;grid-template-columns:auto 1fr auto;gap:calc(var(--unit)*1) calc(var(--unit)*3);padding:calc(var(--unit)*3) calc(var(--unit)*4);border-block-end:1px solid var(--border);
content-visibility:auto;contain-intrinsic-size:auto 92px;border-inline-start:3px solid transparent}
article:focus-visible{outline-offset:-3px}
article.clickable:hover{background:var(--hover)}
article.unread{background:var(--unread-bg);border-inline-start-color:var(--accent)}
article.child{padding-inline-start:calc(var(--unit)*9)}
.mark{inline-size:10px;block-size:10px;border-radius:50%;background:var(--accent);margin-block-start:5px}
.lead{display:flex;flex-direction:column;align-items:center;gap:6px;min-inline-size:10px}
.lead img{inline-size:var(--tidings-icon-size,32px);block-size:var(--tidings-icon-size,32px);border-radius:50%;object-fit:cover}
.main{min-inline-size:0;overflow-wrap:anywhere}
h3{margin:0;font-size:1em;font-weight:500}
.unread h3{font-weight:700}
h3 a{color:inherit;text-decoration:none}
h3 a:hover{text-decoration:underline}
.body{color:var(--text)}
.body p,.body ul,.body ol{margin:2px 0}
.body ul,.body ol{padding-inline-start:1.4em}
.body code{font-family:ui-monospace,monospace;background:var(--hover);padding:0 3px;border-radius:3px}
.body>img{max-inline-size:100%;max-block-size:180px;border-radius:var(--radius-small);margin-block-start:6px;display:block}
time,.until{color:var(--muted);font-size:.9em}
.actions{display:flex;flex-wrap:wrap;gap:calc(var(--unit)*2);margin-block-start:calc(var(--unit)*2)}
.actions a{display:inline-flex;align-items:center;min-block-size:32px;padding:0 calc(var(--unit)*3);border:1px solid var(--line);border-radius:var(--radius-small);color:var(--text);text-decoration:none}
.actions a:first-child{background:var(--accent);border-color:var(--accent);color:var(--accent-text)}
.actions a:hover{text-decoration:underline}
.menu-button{padding:4px;color:var(--muted);display:grid;place-items:center;align-self:start}
[role=menu]{position:fixed;inset:auto;margin:0;padding:calc(var(--unit));border:1px solid var(--border);border-radius:var(--radius);background:var(--bg);color:var(--text);box-shadow:var(--shadow);max-inline-size:calc(100vw - 12px)}
[role=menu] button{display:block;inline-size:100%;text-align:start}
.foot{display:grid;place-items:center;padding:calc(var(--unit)*2)}
.offline{border-inline-start:4px solid var(--warning)}
.problem{border-inline-start:4px solid var(--critical);display:flex;gap:8px;align-items:center;justify-content:space-between}
[role=feed][aria-busy=true]:empty{block-size:340px;background:repeating-linear-gradient(transparent 0 84px,var(--border) 84px 85px)}
@media (pointer:coarse){.actions a{min-block-size:44px}}
@media (forced-colors:active){article.unread{border-inline-start-color:Highlight}.mark{background:Highlight;forced-color-adjust:none}}
`);

export const TOAST: CSSStyleSheet = /* @__PURE__ */ sheet(`
:host{display:contents}
.region{position:fixed;inset:auto;margin:0;padding:0;border:0;background:none;color:inherit;overflow:visible;display:flex;flex-direction:column;gap:calc(var(--unit)*2);inline-size:min(var(--tidings-toast-width,360px),calc(100vw - 24px))}
.region:not(:popover-open){display:none}
.top{inset-block-start:12px}.bottom{inset-block-end:12px;flex-direction:column-reverse}
.right{inset-inline-end:12px}.left{inset-inline-start:12px}
.center{padding:0;text-align:start;left:50%;translate:-50% 0}
.toast{display:grid;grid-template-columns:auto 1fr auto;gap:calc(var(--unit)*3);background:var(--bg);color:var(--text);border:1px solid var(--border);border-inline-start:4px solid var(--accent);border-radius:var(--radius);box-shadow:var(--shadow);padding:calc(var(--unit)*3)}
.toast.success{border-inline-start-color:var(--success)}.toast.warning{border-inline-start-color:var(--warning)}.toast.critical{border-inline-start-color:var(--critical)}
.toast strong{display:block}.toast .main{min-inline-size:0;overflow-wrap:anywhere}
.toast .text{display:-webkit-box;-webkit-line-clamp:3;-webkit-box-orient:vertical;overflow:hidden;color:var(--muted)}
.toast a{color:inherit}
.toast button{padding:4px;align-self:start;display:grid;place-items:center}
@media (prefers-reduced-motion:no-preference){.toast{animation:in .18s ease-out}@keyframes in{from{opacity:0;translate:0 -8px}}}
`);

export const PREFERENCES: CSSStyleSheet = /* @__PURE__ */ sheet(`
:host{display:block;background:var(--bg)}
h2{margin:0;font-size:1.2em;padding:calc(var(--unit)*3) calc(var(--unit)*4)}
.wrap{overflow:auto;position:relative}
table{border-collapse:collapse;inline-size:100%}
th,td{padding:calc(var(--unit)*2) calc(var(--unit)*3);border-block-end:1px solid var(--border);text-align:start;vertical-align:middle}
thead th{font-weight:600;color:var(--muted)}
thead th:not(:first-child),td.cell{text-align:center}
tbody th{font-weight:500;overflow-wrap:anywhere}
tr.group th{font-weight:700;background:var(--hover)}
tr.group td{background:var(--hover)}
.about,.why{display:block;font-weight:400;color:var(--muted);font-size:.9em}
[role=switch]{position:relative;inline-size:44px;min-inline-size:44px;block-size:28px;padding:0;border-radius:14px;border:2px solid var(--line);background:transparent;vertical-align:middle}
[role=switch]::after{content:"";position:absolute;inset-block-start:3px;inset-inline-start:3px;inline-size:18px;block-size:18px;border-radius:50%;background:var(--line)}
[role=switch][aria-checked=true]{background:var(--accent);border-color:var(--accent)}
[role=switch][aria-checked=true]::after{inset-inline-start:19px;background:var(--accent-text)}
[role=switch][aria-disabled=true]{opacity:.75;border-style:dashed;cursor:not-allowed}
select,input{min-block-size:32px;border:1px solid var(--line);border-radius:var(--radius-small);background:var(--bg);padding:0 6px;max-inline-size:100%}
fieldset{border:0;border-block-start:1px solid var(--border);margin:0;padding:calc(var(--unit)*3) calc(var(--unit)*4);min-inline-size:0}
legend{font-weight:700;padding:0;float:inline-start;inline-size:100%}
legend+*{clear:both}
.fields{display:flex;flex-wrap:wrap;gap:calc(var(--unit)*3);align-items:end;margin-block-start:calc(var(--unit)*2)}
.fields label{display:grid;gap:2px}
.row{display:flex;align-items:center;gap:calc(var(--unit)*3)}
.result{display:flex;align-items:center;gap:8px;min-block-size:44px;padding:0 calc(var(--unit)*4);position:sticky;inset-block-end:0;background:var(--bg);border-block-start:1px solid var(--border)}
.result:has(>:first-child:empty){min-block-size:0;border:0}
[part=content] :is(button,select,input){scroll-margin-block-end:7em}
@media (max-width:520px){
.stack thead{position:absolute;inline-size:1px;block-size:1px;overflow:hidden;clip-path:inset(50%)}
.stack,.stack tbody{display:block}
.stack tr{display:flex;flex-wrap:wrap;border-block-end:1px solid var(--border);padding-block:calc(var(--unit)*2)}
.stack th,.stack td{border:0}
.stack tbody th{flex:1 0 100%}
.stack td.cell{display:flex;align-items:center;gap:6px;padding-block:2px;text-align:start}
.stack td.cell::before{content:attr(data-channel)}
.stack td.none{display:none}
}
@media (pointer:coarse){[role=switch]{block-size:28px;min-block-size:28px}td.cell{block-size:44px}select,input{min-block-size:44px}}
@media (forced-colors:active){[role=switch]{border-color:ButtonText}[role=switch]::after{background:ButtonText;forced-color-adjust:none}[role=switch][aria-checked=true]{background:Highlight;forced-color-adjust:none}}
`);
