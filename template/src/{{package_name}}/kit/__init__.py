# Owned by the template: every update rewrites this file. Your own code: beside this folder.
"""The template's part of the package: what your code imports, and what updates keep up to date.

A project has the modules that its answers ask for. Other names than these may change in an update.

Everywhere:

- `errors`: `ProjectError` and its kinds, which the command line prints as one sentence
- `files`: `read_arrays`, `read_all_arrays`, `read_json`, `write_arrays`, `write_json`
- `files`: `write_text`, `replacing`
- `project_folder`: `enter_project` for the command line, `in_project` for a path
- `answers`: `load_answers`, what the template was told
- `commands`: the command line: `main` runs a command, `discover` has all of them by name
- `artifacts`: `newest_model` and `note_on_age`, about the folders in `models/`

Settings, data and output:

- `config_sources`: `Section`, `Settings` and `Values`, the bases of what is in `config.py`
- `composition`: what Hydra adds to them, with the answer `configuration=hydra`
- `manifest`: `verify`, `list_own` and `write_listed`, for the files listed in `MANIFEST`
- `reporting`: `Reporter` and `StepReport`, what people see

Runs:

- `tracking`: `RunRecord` and `BestEpoch` of a run that goes on; `environment_facts`, `git_facts`
- `tracking`: `Run`, `list_runs`, `find_run`, `newest_finished` and `way_on`, to look at runs
- `report`: `page`, of `table`, `matrix`, `chart`, `picture`, `gallery` and `shaded`, all in HTML
- `report`: `result`, `curves`, `mistakes`, `comparison`, `settings` and `facts` of a run, for it
- `report`: `write`, which puts such sections into a file
- `tracking.store`: `CONFIG_FILE`, `METRICS_FILE` and `CHECKPOINT_FILE` in the folder of a run
- `pipeline`: what a record and DVC's stages share, with the answer `data_versioning=dvc`
- `tracking.compare`: `choose_runs` and `compare`, runs side by side
- `frames`: `runs_frame` and `metrics_frame`, runs as data frames
- `tuning`: `Search`, `TuneConfig`, `TrialResult` and `SilentReporter`
- `tuning.space`: `DEFAULT_SPACE`, the file of what is searched

Training:

- `reproducibility`: `make_reproducible` seeds everything, `choose_device` takes a backend's name
- `out_of_memory`: `advised`, in which a lack of memory ends in advice
- `training`: `Samples`, named arrays, and `Splits`, their three parts
- `training.checkpoint`: `save_checkpoint`, `restore_checkpoint`, `load_weights` and `Progress`
- `training.checkpoint`: `BEST_FILE`, `CHECKPOINT_FILE`; `Stateful` of PyTorch, `WEIGHTS` of JAX
- `training.speed`: what the settings of speed and memory stand for; `Order`, the batches
- `training.distributed`: several processes, with the answer `scale_out=[torchrun]`
- `by_ray`: Ray as what starts them, trials and servers, with the answer `scale_out=[ray]`
- `training.arguments`: `make_arguments`, `check_names` and `refusals`, for Transformers' Trainer
- `training.deepspeed`: `read_settings`, `check_usable`, `name_device` and `started`, for DeepSpeed
- `training.recording`: `Recording`, the Trainer's callback that keeps the record
- `training.saved`: `open_run`, `open_base` and `Opened`, models that Transformers opens
- `training.saved`: `Kind`, which models these are
- `training.saved`: `checkpoint_of`, `check_base` and `weights_sha256`
- `training.reference`: `make_reference`, what an exported language model is compared with
- `keras_backend`: `keras`, always imported from here; `computing_on` and `by_name`
- `layers`: `linear`, `convolution`, `max_pool`, `dropout`, for models in plain JAX
- `trees`: `flatten` and `fill`, for JAX's weights
- `quantization`: `quantize_linear_layers`, `bytes_of` and `PRECISIONS`

Export and prediction:

- `export`: `ExportRequest`, `export_model` and `precisions`
- `export.artifact`: `full_tolerance`, how far an exported language model may be off
- `inference`: `load`, which opens a `Predictor`; `predict_in_batches`, `DEFAULT_BATCH_SIZE`
- `inference`: `preparation`, what makes a model's inputs of a request
- `inference`: `outputs_of`, a model's outputs by name, and `in_batches`, for many examples
- `inference`: `read_metadata`, `check_parity`, `describe_parity`, `PARITY_FILE`
- `devices`: `choose_device`, for every runtime
- `memory`: `require_memory`, which compares a `Need` with what is free
- `embeddings`: `Encoder`, `Vectors`, `EmbedConfig` and `DEFAULT_CONFIG`

Generation of text:

- `generation`: `open_generator`, which opens a `Generator`; `GenerationSettings`, `read_settings`
- `generation`: `DEFAULT_CONFIG`, the file of its settings
- `generation.artifact`: `read_text_model`, what export wrote beside a model
- `generation.parity`: `check_text_parity` and `PARITY_FILE`
"""
