package custom

// TemplateResources is templateResources.
var TemplateResources = templateResources
